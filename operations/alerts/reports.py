"""Open alerts, and those resolved recently."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet
from django.urls import reverse

from aethercrown.formatting import counted
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from aethercrown.monitoring.attention import AttentionItem
from aethercrown.severity import CRITICAL, HIGH, LEVELS
from operations.alerts.models import Alert

RUN_FAILED = "run_failed"  # automations list failed runs themselves
MAX_ATTENTION_ITEMS = 10
RETENTION = timedelta(days=365)  # of resolved alerts


def critical(*subjects: str) -> str:
    """The first unresolved critical alert on any of the subjects; "" if there is none."""
    rows = Alert.objects.filter(severity=CRITICAL, subject__in=subjects)
    found = rows.exclude(state=Alert.State.RESOLVED).order_by("pk").first()
    return str(found) if found else ""


def unresolved(limit: int = 200) -> list[Alert]:
    """Every unresolved alert, by severity and then newest first."""
    rows = list(Alert.objects.exclude(state=Alert.State.RESOLVED)[:limit])
    return sorted(rows, key=lambda alert: -LEVELS.index(alert.severity))


def unresolved_of(source: str) -> list[tuple[str, str]]:
    """The unresolved alerts of one source, as (kind, key)."""
    rows = Alert.objects.exclude(state=Alert.State.RESOLVED).filter(source=source)
    return list(rows.order_by("pk").values_list("kind", "key"))


def recently_resolved(limit: int = 30) -> QuerySet[Alert]:
    return Alert.objects.filter(state=Alert.State.RESOLVED).order_by("-resolved_at")[:limit]


def severe_resolved_since(since: datetime) -> list[Alert]:
    """High and critical alerts that ended since then, the newest first."""
    rows = Alert.objects.filter(resolved_at__gte=since, severity__in=[HIGH, CRITICAL])
    return list(rows.order_by("-resolved_at", "-pk")[:MAX_ATTENTION_ITEMS])


def counts() -> dict[str, int]:
    """How many alerts of each severity are unresolved, highest severity first."""
    rows = Alert.objects.exclude(state=Alert.State.RESOLVED).order_by().values("severity")
    found = dict(rows.annotate(count=Count("pk")).values_list("severity", "count"))
    return {severity: found.get(severity, 0) for severity in reversed(LEVELS)}


def attention_items(_now: datetime) -> list[AttentionItem]:
    """High and critical alerts that nobody has acknowledged."""
    rows = Alert.objects.filter(state=Alert.State.OPEN, severity__in=[HIGH, CRITICAL])
    rows = rows.exclude(source="automations", kind=RUN_FAILED)
    return [
        AttentionItem(f"{alert.title}: {alert.message}"[:300], page(alert))
        for alert in sorted(
            rows[:MAX_ATTENTION_ITEMS], key=lambda alert: -LEVELS.index(alert.severity)
        )
    ]


def page(alert: Alert) -> str:
    return reverse("admin:operations_alert_change", args=[alert.pk])


def read_open(_query: MetricQuery) -> dict[str, Reading]:
    found = counts()
    return {"alerts.open": Reading(sum(found.values()), note=severities_text(found))}


def read_raised(query: MetricQuery) -> dict[str, Reading]:
    """Only counted where none was deleted."""
    begin, end = query.span
    if begin < query.now - RETENTION:
        gone = unknown(f"Resolved alerts are kept {counted(RETENTION.days, 'day')}")
        return {"alerts.raised": gone}
    raised = Alert.objects.filter(first_seen_at__gte=begin, first_seen_at__lt=end)
    return {"alerts.raised": Reading(raised.count())}


def severities_text(found: Mapping[str, int]) -> str:
    """How many alerts there are of each severity: "1 critical, 2 warning"."""
    named = (f"{count:,} {severity}" for severity, count in found.items() if count)
    return ", ".join(named) or "nothing is wrong"


METRICS = (
    Metric(
        "alerts.open",
        "Open alerts",
        "Alerts that are not resolved, acknowledged or not.",
        MetricUnit.COUNT,
        Good.DOWN,
        "/dashboards/alerts",
        read_open,
        has_history=False,
    ),
    Metric(
        "alerts.raised",
        "Alerts raised",
        "Alerts that were raised first in the period.",
        MetricUnit.COUNT,
        Good.DOWN,
        "/dashboards/alerts",
        read_raised,
    ),
)
