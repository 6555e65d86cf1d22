"""How far intake is behind: receipt, evaluation, and the last check of rollups."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Sum
from django.utils import timezone

from aethercrown.formatting import counted
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from aethercrown.monitoring.gauges import GaugeSource
from enterprise.usage.analysis.percentiles import percentile
from enterprise.usage.models import (
    ClientMetric,
    DirtyClient,
    RollupCheck,
    UsageAlert,
    UsageDay,
    UsageEvent,
)

RECENT = timedelta(hours=1)
MAX_SAMPLED = 400  # newest events, of which those of the last hour are looked at
PAGE = "/dashboards/usage"


def waits() -> bool:
    """Whether a client waits for its evaluation."""
    return DirtyClient.objects.exists()


@dataclass(frozen=True, slots=True)
class ReceiptLag:
    """The delay of one source's events of the last hour, from their time to their receipt."""

    source: str
    events: int
    p50_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Freshness:
    """How up to date usage is."""

    receipt: tuple[ReceiptLag, ...]
    waiting: int
    oldest_wait: timedelta | None
    last_check: RollupCheck | None

    def as_dict(self) -> dict[str, Any]:
        """The API's fields; the check is null before the first night."""
        check = self.last_check
        return {
            "receipt": [
                {
                    "source": each.source,
                    "events": each.events,
                    "p50_seconds": each.p50_seconds,
                    "p95_seconds": each.p95_seconds,
                }
                for each in self.receipt
            ],
            "waiting_clients": self.waiting,
            "oldest_wait_seconds": self.oldest_wait.total_seconds() if self.oldest_wait else 0.0,
            "checked_at": check and check.checked_at,
            "hours_compared": check and check.hours,
            "differences": check and check.differences,
        }


def freshness(now: datetime) -> Freshness:
    waiting = DirtyClient.objects.aggregate(count=Count("pk"), since=Min("since"))
    oldest = waiting["since"]
    return Freshness(
        receipt_lag(now),
        waiting["count"],
        now - oldest if oldest else None,
        RollupCheck.objects.first(),
    )


def receipt_lag(now: datetime) -> tuple[ReceiptLag, ...]:
    """By source, the delay of the newest events, without backfills, of the last hour.

    The database only reads an index from its end: a filter that it expects to hold for few rows,
    as of a column that it has no statistics of, would make it sort every event.
    """
    rows = UsageEvent.objects.filter(occurred_at__gte=now - timedelta(days=35)).order_by("-pk")
    newest = rows.values_list("source", "occurred_at", "received_at", "backfill_id")
    delays: dict[str, list[float]] = {}
    for source, occurred, received, backfill in newest[:MAX_SAMPLED]:
        if backfill is None and received >= now - RECENT:
            delay = max(0.0, (received - occurred).total_seconds())
            delays.setdefault(source, []).append(delay)
    return tuple(
        ReceiptLag(source, len(found), percentile(found, 0.5), percentile(found, 0.95))
        for source, found in sorted(delays.items())
    )


def receipt_seconds() -> dict[tuple[str, ...], float]:
    """The delay of receipt by source and share, for /metrics."""
    found: dict[tuple[str, ...], float] = {}
    for each in receipt_lag(timezone.now()):
        found[each.source, "0.5"] = each.p50_seconds
        found[each.source, "0.95"] = each.p95_seconds
    return found


def oldest_wait_seconds() -> dict[tuple[str, ...], float]:
    oldest = DirtyClient.objects.aggregate(since=Min("since"))["since"]
    return {(): max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0}


def rollup_differences() -> dict[tuple[str, ...], float]:
    """Of the last check; nothing before the first."""
    check = RollupCheck.objects.first()
    return {} if check is None else {(): float(check.differences)}


GAUGES = (
    GaugeSource(
        "aethercrown_usage_receipt_seconds",
        "Receipt less event time of the last hour's events.",
        receipt_seconds,
        ("source", "quantile"),
    ),
    GaugeSource(
        "aethercrown_usage_evaluation_wait_seconds",
        "How long the oldest client has waited for its limits.",
        oldest_wait_seconds,
    ),
    GaugeSource(
        "aethercrown_usage_rollup_differences",
        "Hours that differed from their events at the last check.",
        rollup_differences,
    ),
)


def read_waiting(query: MetricQuery) -> dict[str, Reading]:
    found = DirtyClient.objects.aggregate(since=Min("since"))["since"]
    seconds = (query.now - found).total_seconds() if found else 0.0
    return {"usage.evaluation_lag": Reading(max(0.0, seconds), note="of the oldest client")}


def read_events(query: MetricQuery) -> dict[str, Reading]:
    days = UsageDay.objects.filter(day__gte=query.period.first, day__lte=query.period.last)
    found = days.aggregate(events=Sum("count"), clients=Count("customer", distinct=True))
    note = f"of {counted(found['clients'], 'client')}"
    return {"usage.events": Reading(found["events"] or 0, note=note)}


def read_alerts(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    raised = UsageAlert.objects.filter(raised_at__gte=begin, raised_at__lt=end).count()
    return {"usage.alerts": Reading(raised, note="thresholds crossed in the period")}


def read_near(_query: MetricQuery) -> dict[str, Reading]:
    """Clients with an unresolved alert of a threshold."""
    if not ClientMetric.objects.exists():
        return {"usage.near_limit": unknown("No usage is stored")}
    near = ClientMetric.objects.exclude(open_alerts=[]).values("customer").distinct().count()
    return {"usage.near_limit": Reading(near, note="at or above a threshold of a limit")}


def read_check(_query: MetricQuery) -> dict[str, Reading]:
    check = RollupCheck.objects.first()
    if check is None:
        return {"usage.rollup_differences": unknown("Rollups have not been checked yet")}
    note = f"of {counted(check.hours, 'hour')} compared with their events"
    return {"usage.rollup_differences": Reading(check.differences, note=note)}


METRICS = (
    Metric(
        "usage.events",
        "Usage events",
        "Events that count in the days of the period, corrections left out.",
        MetricUnit.COUNT,
        Good.NEITHER,
        PAGE,
        read_events,
    ),
    Metric(
        "usage.near_limit",
        "Clients near a limit",
        "Clients that are at or above a threshold of a limit now.",
        MetricUnit.COUNT,
        Good.NEITHER,
        PAGE,
        read_near,
        has_history=False,
    ),
    Metric(
        "usage.alerts",
        "Limit alerts",
        "Thresholds of limits that were crossed in the period.",
        MetricUnit.COUNT,
        Good.NEITHER,
        PAGE,
        read_alerts,
    ),
    Metric(
        "usage.evaluation_lag",
        "Evaluation lag",
        "For how long the oldest client whose use changed has waited for its limits.",
        MetricUnit.SECONDS,
        Good.DOWN,
        PAGE,
        read_waiting,
        has_history=False,
    ),
    Metric(
        "usage.rollup_differences",
        "Differing hours",
        "Hours whose rollup differed from its events at the last nightly check.",
        MetricUnit.COUNT,
        Good.DOWN,
        PAGE,
        read_check,
        has_history=False,
    ),
)
