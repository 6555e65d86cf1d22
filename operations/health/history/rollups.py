"""Checks of an hour or a day as totals that can be added: seconds, counts, response times.

And periods in a query string: 24h, 7d, 90d.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from operations.health.history import histogram
from operations.health.state_machine import UNHEALTHY, UNKNOWN

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHECKS_KEPT = timedelta(days=7)
HOURS_KEPT = timedelta(days=90)
DAYS_KEPT = timedelta(days=730)
PERIOD = re.compile(r"([1-9][0-9]{0,4})([hd])", re.ASCII)
MAINTENANCE = "maintenance"  # the status of a check that failed during maintenance


@dataclass(frozen=True, slots=True)
class CheckPoint:
    """One stored check; `response_ms` only on success."""

    at: datetime
    status: str
    response_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a span of time; `histogram` holds successes only."""

    up_seconds: float = 0.0
    down_seconds: float = 0.0
    unknown_seconds: float = 0.0
    maintenance_seconds: float = 0.0
    checks: int = 0
    failed: int = 0
    sum_ms: float = 0.0
    min_ms: float | None = None
    max_ms: float | None = None
    histogram: dict[int, int] = field(default_factory=dict)

    @property
    def availability_percent(self) -> float | None:
        """Time up of the time known, or None if nothing is known; gaps do not count."""
        known = self.up_seconds + self.down_seconds
        return 100 * self.up_seconds / known if known > 0 else None

    def percentile(self, q: float) -> float | None:
        if self.min_ms is None or self.max_ms is None:
            return None
        return histogram.quantile(self.histogram, q, self.min_ms, self.max_ms)


def intervals(
    points: Sequence[CheckPoint], start: datetime, end: datetime, max_gap: timedelta
) -> Iterator[tuple[str, float]]:
    """(status, seconds within [start, end)) of each check, in order.

    A check counts until the next one, at most `max_gap`; the rest is a gap. Points may begin
    before `start`, so that the last earlier one counts into the span.
    """
    for place, point in enumerate(points):
        until = min(point.at + max_gap, end)
        if place + 1 < len(points):
            until = min(until, points[place + 1].at)
        seconds = (until - max(point.at, start)).total_seconds()
        if seconds > 0:
            yield point.status, seconds


def total(
    points: Sequence[CheckPoint], start: datetime, end: datetime, max_gap: timedelta
) -> Totals:
    """The totals over [start, end) of checks in order of time."""
    seconds = {"up": 0.0, UNHEALTHY: 0.0, UNKNOWN: 0.0, MAINTENANCE: 0.0}
    for status, counted in intervals(points, start, end, max_gap):
        seconds[status if status in seconds else "up"] += counted
    inside = [each for each in points if start <= each.at < end]
    times = [
        each.response_ms
        for each in inside
        if each.response_ms is not None and each.status != UNHEALTHY
    ]
    return Totals(
        up_seconds=seconds["up"],
        down_seconds=seconds[UNHEALTHY],
        unknown_seconds=seconds[UNKNOWN],
        maintenance_seconds=seconds[MAINTENANCE],
        checks=len(inside),
        failed=sum(each.status == UNHEALTHY for each in inside),
        sum_ms=sum(times),
        min_ms=min(times, default=None),
        max_ms=max(times, default=None),
        histogram=histogram.from_times(times),
    )


def merge(parts: Iterable[Totals]) -> Totals:
    """The totals of several spans as one; percentiles come from the merged histogram."""
    every = list(parts)
    least = [each.min_ms for each in every if each.min_ms is not None]
    most = [each.max_ms for each in every if each.max_ms is not None]
    return Totals(
        up_seconds=sum(each.up_seconds for each in every),
        down_seconds=sum(each.down_seconds for each in every),
        unknown_seconds=sum(each.unknown_seconds for each in every),
        maintenance_seconds=sum(each.maintenance_seconds for each in every),
        checks=sum(each.checks for each in every),
        failed=sum(each.failed for each in every),
        sum_ms=sum(each.sum_ms for each in every),
        min_ms=min(least, default=None),
        max_ms=max(most, default=None),
        histogram=histogram.merge(each.histogram for each in every),
    )


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    return hour_of(moment).replace(hour=0)


def hours(first: datetime, until: datetime) -> Iterator[datetime]:
    """The starts of the full hours from that of `first` until `until`."""
    start = hour_of(first)
    while start + HOUR <= until:
        yield start
        start += HOUR


class InvalidPeriod(ValueError):
    """The text is not a period, or a longer one than history is kept."""


def parse_period(text: str) -> timedelta:
    """The length of a period. Raises InvalidPeriod with the accepted form."""
    found = PERIOD.fullmatch(text)
    if found is None:
        raise InvalidPeriod("must be hours or days such as 24h, 7d or 90d")
    length = int(found[1]) * (HOUR if found[2] == "h" else DAY)
    if length > DAYS_KEPT:
        raise InvalidPeriod(
            f"must be at most {DAYS_KEPT.days}d, which is as long as history is kept"
        )
    return length
