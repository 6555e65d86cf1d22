"""The figures of a period, from stored days and hours and the checks since the last of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Max,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Coalesce

from aethercrown.metrics.period import Period
from operations.health.history import histogram, rollups
from operations.health.history.rollups import DAY, HOUR, CheckPoint, Totals
from operations.health.models import Check, Component, HealthRollup, Incident

HOURLY_UP_TO = timedelta(days=7)  # longer periods are made of days
MAX_INCIDENTS = 20
LEAST_GAP = timedelta(minutes=3)  # unchanged checks are stored once a minute
TOTAL_COLUMNS = [each.name for each in fields(Totals)]


@dataclass(frozen=True, slots=True)
class Trend:
    """The totals of one component over a period."""

    component: Component
    totals: Totals


def max_gap(check_every_seconds: int | None = None) -> timedelta:
    """How long one check counts at most: two intervals, its own or those of the rounds."""
    if check_every_seconds is not None:
        return max(2 * timedelta(seconds=check_every_seconds), LEAST_GAP)
    return 2 * timedelta(hours=settings.HEALTH_CHECK_INTERVAL_HOURS)


def points(checks: QuerySet[Check]) -> list[CheckPoint]:
    rows = checks.order_by("checked_at", "pk").values_list("checked_at", "status", "response_ms")
    return [CheckPoint(*row) for row in rows]


def totals(row: HealthRollup) -> Totals:
    """The totals of a stored row."""
    figures = {name: getattr(row, name) for name in TOTAL_COLUMNS}
    return Totals(**{**figures, "histogram": histogram.from_json(row.histogram)})


def trends(period: timedelta, now: datetime, *, published: bool = False) -> list[Trend]:
    """Each enabled component over the period, from the full hour in which it begins.

    With `published` only those on the status page.
    """
    chosen = Component.objects.filter(is_enabled=True, **({"is_public": True} if published else {}))
    since = rollups.hour_of(now - period)
    rolled_up_to: dict[int, datetime] = {}
    parts: dict[int, list[Totals]] = {}
    spans = [(HealthRollup.Span.HOUR, HOUR)]
    if period > HOURLY_UP_TO:
        spans.insert(0, (HealthRollup.Span.DAY, DAY))
    for span, length in spans:
        rows = HealthRollup.objects.filter(span=span, start__gte=since, component__in=chosen)
        for row in rows.order_by("start"):
            if row.start >= rolled_up_to.get(row.component_id, since):
                parts.setdefault(row.component_id, []).append(totals(row))
                rolled_up_to[row.component_id] = row.start + length
    raw = _raw(since, rolled_up_to, chosen)
    return [
        Trend(
            each,
            rollups.merge(
                [
                    *parts.get(each.pk, ()),
                    rollups.total(
                        raw.get(each.pk, ()),
                        rolled_up_to.get(each.pk, since),
                        now,
                        max_gap(each.check_every_seconds),
                    ),
                ]
            ),
        )
        for each in chosen.order_by("name")
    ]


def _raw(
    since: datetime, rolled_up_to: Mapping[int, datetime], chosen: "QuerySet[Component]"
) -> dict[int, list[CheckPoint]]:
    """By component the checks that no stored hour covers, and the last one before them."""
    begin = min(rolled_up_to.values(), default=since)
    longest = Component.objects.aggregate(longest=Max("check_every_seconds"))["longest"]
    gap = max(max_gap(), max_gap(longest))
    summed = Q(component__in=rolled_up_to, checked_at__gte=begin - gap)
    others = ~Q(component__in=rolled_up_to) & Q(checked_at__gte=since - gap)
    rows = Check.objects.filter(summed | others, component__in=chosen)
    found: dict[int, list[CheckPoint]] = {}
    for key, at, status, ms in rows.order_by("checked_at", "pk").values_list(
        "component", "checked_at", "status", "response_ms"
    ):
        if at >= rolled_up_to.get(key, since) - gap:
            found.setdefault(key, []).append(CheckPoint(at, status, ms))
    return found


def incidents(since: datetime, limit: int = MAX_INCIDENTS) -> list[Incident]:
    """The newest incidents that have not ended before `since`."""
    rows = Incident.objects.select_related("component")
    return list((rows.filter(ended_at__gte=since) | rows.filter(ended_at=None))[:limit])


def trends_report(period: timedelta, now: datetime) -> dict[str, Any]:
    """The trends as the API shows them."""
    found = trends(period, now)
    whole = rollups.merge(each.totals for each in found)
    return {
        "total_checks": whole.checks,
        "availability_percent": _rounded(whole.availability_percent),
        "trends": {each.component.name: _trend(each) for each in found},
        "recent_incidents": [_incident(each, now) for each in incidents(now - period)],
    }


def _trend(each: Trend) -> dict[str, Any]:
    return {
        "availability_percent": _rounded(each.totals.availability_percent),
        "total_checks": each.totals.checks,
        "last_status": each.component.status,
        "p50_ms": _rounded(each.totals.percentile(0.50)),
        "p95_ms": _rounded(each.totals.percentile(0.95)),
        "p99_ms": _rounded(each.totals.percentile(0.99)),
    }


def _incident(each: Incident, now: datetime) -> dict[str, Any]:
    return {
        "component": each.component.name,
        "started_at": each.started_at,
        "ended_at": each.ended_at,
        "duration_seconds": round(((each.ended_at or now) - each.started_at).total_seconds(), 3),
        "kind": each.error_kind,
        "error": each.error,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


DaySeconds = dict[str, dict[date, tuple[float, float]]]  # by component: seconds up and down


def daily_availability(period: Period) -> tuple[list[date], dict[str, list[float | None]]]:
    """The days, and availability in percent of each by component; None if unknown.

    From stored days, and from hours where the day is not stored yet.
    """
    days = [period.first + place * DAY for place in range(period.days)]
    whole = _day_seconds(HealthRollup.Span.DAY, period)
    hours = _day_seconds(HealthRollup.Span.HOUR, period)
    found = {}
    for name in sorted({*whole, *hours}):
        seconds = hours.get(name, {}) | whole.get(name, {})
        found[name] = [_percent(*seconds.get(day, (0.0, 0.0))) for day in days]
    return days, found


def _day_seconds(span: str, period: Period) -> DaySeconds:
    begin, end = period.moments(UTC)
    rows = HealthRollup.objects.filter(
        span=span, start__gte=begin, start__lt=end, component__is_enabled=True
    ).order_by()
    found: DaySeconds = {}
    for name, start, up, down in rows.values_list(
        "component__name", "start", "up_seconds", "down_seconds"
    ).iterator():
        days = found.setdefault(name, {})
        day = start.astimezone(UTC).date()
        before = days.get(day, (0.0, 0.0))
        days[day] = (before[0] + up, before[1] + down)
    return found


def _percent(up: float, down: float) -> float | None:
    return 100 * up / (up + down) if up + down > 0 else None


def outages(period: Period, now: datetime) -> "QuerySet[Incident]":
    """Outages that touched the period, each with its `length` so far."""
    begin, end = period.moments(UTC)
    rows = Incident.objects.filter(started_at__lt=end)
    rows = rows.filter(ended_at__gte=begin) | rows.filter(ended_at=None)
    length = Coalesce("ended_at", Value(now, DateTimeField())) - F("started_at")
    return rows.annotate(length=ExpressionWrapper(length, DurationField()))
