"""One component: its last day in slots, and its response times by day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from aethercrown.metrics.period import Period
from operations.health.history import rollups
from operations.health.history.rollups import DAY
from operations.health.models import Component, HealthRollup
from operations.health.reports.history import max_gap, points, totals

HEARTBEAT_SLOTS = 90
SLOT = DAY / HEARTBEAT_SLOTS  # 16 minutes
SHARES = (0.50, 0.95, 0.99)


ComponentRow: TypeAlias = Component


class NoSuchComponent(Exception):
    """There is no component of this number."""


def component(pk: int) -> ComponentRow:
    """The component with its parent. Raises NoSuchComponent."""
    try:
        return Component.objects.select_related("parent").get(pk=pk)
    except (Component.DoesNotExist, OverflowError):
        raise NoSuchComponent(f"There is no component number {pk}.") from None


def heartbeat(row: Component, now: datetime) -> list[tuple[datetime, float | None]]:
    """The slots of the last 24 hours: (start, time up in percent of the time known, or None)."""
    begin, gap = now - DAY, max_gap(row.check_every_seconds)
    found = points(row.checks.filter(checked_at__gte=begin - gap, checked_at__lte=now))
    starts = [begin + place * SLOT for place in range(HEARTBEAT_SLOTS)]
    return [
        (start, rollups.total(found, start, start + SLOT, gap).availability_percent)
        for start in starts
    ]


def response_times(row: Component, period: Period) -> list[tuple[date, Sequence[float | None]]]:
    """Each day with its percentiles in milliseconds; from its hours where no day is stored yet."""
    begin, end = period.moments(UTC)
    found: dict[tuple[str, date], list[rollups.Totals]] = {}
    for each in row.rollups.filter(start__gte=begin, start__lt=end).order_by("start"):
        found.setdefault((each.span, each.start.astimezone(UTC).date()), []).append(totals(each))
    spans = (HealthRollup.Span.DAY.value, HealthRollup.Span.HOUR.value)
    lines: list[tuple[date, Sequence[float | None]]] = []
    for day in (period.first + place * timedelta(days=1) for place in range(period.days)):
        parts = next((found[span, day] for span in spans if (span, day) in found), [])
        whole = rollups.merge(parts)
        lines.append((day, [whole.percentile(share) for share in SHARES]))
    return lines
