"""What is wrong now, and what was lately."""

from datetime import datetime

from django.db.models import Count, QuerySet
from django.urls import reverse

from aethercrown.severity import CRITICAL, HIGH, LEVELS
from operations.alerts.models import Alert
from operations.automations.reports import AttentionItem

FAILED_RUN = "run_failed"  # said by the runs themselves
MOST = 10


def critical(*subjects: str) -> str:
    """The first open critical alert on any of the subjects, in words; empty where there is none."""
    rows = Alert.objects.filter(severity=CRITICAL, subject__in=subjects)
    found = rows.exclude(state=Alert.State.RESOLVED).order_by("pk").first()
    return str(found) if found else ""


def unresolved(limit: int = 200) -> list[Alert]:
    """Every alert that is not over, the gravest first and then the newest."""
    rows = list(Alert.objects.exclude(state=Alert.State.RESOLVED)[:limit])
    return sorted(rows, key=lambda alert: -LEVELS.index(alert.severity))


def unresolved_of(source: str) -> list[tuple[str, str]]:
    """What one source has open, by kind and subject."""
    rows = Alert.objects.exclude(state=Alert.State.RESOLVED).filter(source=source)
    return list(rows.order_by("pk").values_list("kind", "subject"))


def recently_resolved(limit: int = 30) -> QuerySet[Alert]:
    return Alert.objects.filter(state=Alert.State.RESOLVED).order_by("-resolved_at")[:limit]


def counts() -> dict[str, int]:
    """How many alerts that are not over there are of each severity, the gravest first."""
    rows = Alert.objects.exclude(state=Alert.State.RESOLVED).order_by().values("severity")
    found = dict(rows.annotate(count=Count("pk")).values_list("severity", "count"))
    return {severity: found.get(severity, 0) for severity in reversed(LEVELS)}


def attention_items(_now: datetime) -> list[AttentionItem]:
    """Grave alerts that nobody has taken on."""
    rows = Alert.objects.filter(state=Alert.State.OPEN, severity__in=[HIGH, CRITICAL])
    rows = rows.exclude(source="automations", kind=FAILED_RUN)
    return [
        AttentionItem(f"{alert}: {alert.message}"[:300], page(alert))
        for alert in sorted(rows[:MOST], key=lambda alert: -LEVELS.index(alert.severity))
    ]


def page(alert: Alert) -> str:
    return reverse("admin:operations_alert_change", args=[alert.pk])
