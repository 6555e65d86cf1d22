"""Open alerts, and those resolved recently."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet
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


class SevereAlerts(NamedTuple):
    """High and critical alerts: what needs attention now, and those that ended since a time."""

    attention: list[AttentionItem]
    resolved: list[Alert]


def severe_since(since: datetime) -> SevereAlerts:
    """Both in one query."""
    open_now = Q(state=Alert.State.OPEN) & ~Q(source="automations", kind=RUN_FAILED)
    rows = Alert.objects.filter(severity__in=[HIGH, CRITICAL])
    found = rows.filter(open_now | Q(resolved_at__gte=since)).order_by("-last_seen_at", "-pk")
    listed = list(found[: 4 * MAX_ATTENTION_ITEMS])
    ended = [each for each in listed if each.state == Alert.State.RESOLVED]
    still = [each for each in listed if each.state == Alert.State.OPEN]
    return SevereAlerts(_attention(still[:MAX_ATTENTION_ITEMS]), ended[:MAX_ATTENTION_ITEMS])


def counts() -> dict[str, int]:
    """How many alerts of each severity are unresolved, highest severity first."""
    rows = Alert.objects.exclude(state=Alert.State.RESOLVED).order_by().values("severity")
    found = dict(rows.annotate(count=Count("pk")).values_list("severity", "count"))
    return {severity: found.get(severity, 0) for severity in reversed(LEVELS)}


def attention_items(_now: datetime) -> list[AttentionItem]:
    """High and critical alerts that nobody has acknowledged."""
    rows = Alert.objects.filter(state=Alert.State.OPEN, severity__in=[HIGH, CRITICAL])
    rows = rows.exclude(source="automations", kind=RUN_FAILED)
    return _attention(rows[:MAX_ATTENTION_ITEMS])


def _attention(rows: Iterable[Alert]) -> list[AttentionItem]:
    """The highest severity first."""
    return [
        AttentionItem(f"{alert.title}: {alert.message}"[:300], page(alert))
        for alert in sorted(rows, key=lambda alert: -LEVELS.index(alert.severity))
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
