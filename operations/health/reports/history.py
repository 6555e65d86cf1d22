"""Figures of a period: of stored days and hours, and of the checks since the last of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from operations.health.history import histogram, rollups
from operations.health.history.rollups import DAY, HOUR, Point, Totals
from operations.health.models import Check, Component, Incident, Rollup

BY_HOURS = timedelta(days=7)  # up to here a period is made of hours, above of days
INCIDENTS = 20
FIGURES = [
    "up_seconds",
    "down_seconds",
    "unknown_seconds",
    "maintenance_seconds",
    "checks",
    "failed",
    "sum_ms",
    "least_ms",
    "most_ms",
    "histogram",
]


@dataclass(frozen=True, slots=True)
class Trend:
    """One component over a period."""

    component: Component
    found: Totals


def longest() -> timedelta:
    """For how long one check speaks at most: two intervals; beyond that there is a gap."""
    return 2 * timedelta(hours=settings.HEALTH_CHECK_INTERVAL_HOURS)


def points(checks: QuerySet[Check]) -> list[Point]:
    rows = checks.order_by("at", "pk").values_list("at", "status", "ms")
    return [Point(*row) for row in rows]


def totals(row: Rollup) -> Totals:
    """A stored row as the arithmetic takes it."""
    figures = {name: getattr(row, name) for name in FIGURES}
    return Totals(**{**figures, "histogram": histogram.restored(row.histogram)})


def trends(period: timedelta, now: datetime) -> list[Trend]:
    """Each component that is on, over the period, from the full hour in which it begins."""
    since = rollups.hour_of(now - period)
    frontier: dict[int, datetime] = {}
    parts: dict[int, list[Totals]] = {}
    spans = [(Rollup.Span.HOUR, HOUR)]
    if period > BY_HOURS:
        spans.insert(0, (Rollup.Span.DAY, DAY))
    for span, length in spans:
        rows = Rollup.objects.filter(span=span, start__gte=since, component__is_enabled=True)
        for row in rows.order_by("start"):
            if row.start >= frontier.get(row.component_id, since):
                parts.setdefault(row.component_id, []).append(totals(row))
                frontier[row.component_id] = row.start + length
    raw = _raw(since, frontier)
    components = Component.objects.filter(is_enabled=True).order_by("name")
    return [
        Trend(
            each,
            rollups.merged(
                [
                    *parts.get(each.pk, ()),
                    rollups.totalled(
                        raw.get(each.pk, ()), frontier.get(each.pk, since), now, longest()
                    ),
                ]
            ),
        )
        for each in components
    ]


def _raw(since: datetime, frontier: Mapping[int, datetime]) -> dict[int, list[Point]]:
    """The checks that no stored hour holds yet, by component, and the one that speaks into it."""
    begin = min(frontier.values(), default=since)
    summed = Q(component__in=frontier, at__gte=begin - longest())
    others = ~Q(component__in=frontier) & Q(at__gte=since - longest())
    rows = Check.objects.filter(summed | others, component__is_enabled=True)
    found: dict[int, list[Point]] = {}
    for key, at, status, ms in rows.order_by("at", "pk").values_list(
        "component", "at", "status", "ms"
    ):
        if at >= frontier.get(key, since) - longest():
            found.setdefault(key, []).append(Point(at, status, ms))
    return found


def incidents(since: datetime, limit: int = INCIDENTS) -> list[Incident]:
    """The newest outages that were under way since then."""
    rows = Incident.objects.select_related("component")
    return list((rows.filter(ended_at__gte=since) | rows.filter(ended_at=None))[:limit])


def answer(period: timedelta, now: datetime) -> dict[str, Any]:
    """The trends as the contract has them."""
    found = trends(period, now)
    whole = rollups.merged(each.found for each in found)
    return {
        "total_checks": whole.checks,
        "availability_percent": _rounded(whole.availability_percent),
        "trends": {each.component.name: _trend(each) for each in found},
        "recent_incidents": [_incident(each, now) for each in incidents(now - period)],
    }


def _trend(each: Trend) -> dict[str, Any]:
    return {
        "availability_percent": _rounded(each.found.availability_percent),
        "total_checks": each.found.checks,
        "last_status": each.component.status,
        "p50_ms": _rounded(each.found.percentile(0.50)),
        "p95_ms": _rounded(each.found.percentile(0.95)),
        "p99_ms": _rounded(each.found.percentile(0.99)),
    }


def _incident(each: Incident, now: datetime) -> dict[str, Any]:
    return {
        "component": each.component.name,
        "started_at": each.started_at,
        "ended_at": each.ended_at,
        "duration_seconds": round(((each.ended_at or now) - each.started_at).total_seconds(), 3),
        "kind": each.kind,
        "error": each.error,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def by_day(count: int, now: datetime) -> tuple[list[date], dict[str, list[float | None]]]:
    """Availability in percent of each of the last days, by component; None where unknown."""
    first = rollups.day_of(now) - (count - 1) * DAY
    days = [(first + place * DAY).date() for place in range(count)]
    found: dict[str, dict[date, list[Totals]]] = {}
    rows = Rollup.objects.filter(
        span=Rollup.Span.HOUR, start__gte=first, component__is_enabled=True
    ).select_related("component")
    for row in rows.order_by("component__name", "start"):
        of_day = found.setdefault(row.component.name, {})
        of_day.setdefault(row.start.astimezone(UTC).date(), []).append(totals(row))
    return days, {
        name: [_available(of_day.get(day, ())) for day in days] for name, of_day in found.items()
    }


def _available(parts: Sequence[Totals]) -> float | None:
    return rollups.merged(parts).availability_percent
