"""Hours and days of checks as sums that add up: seconds up and down, counts, and times."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from operations.health.history import histogram
from operations.health.state_machine import UNHEALTHY, UNKNOWN

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RAW_KEPT = timedelta(days=7)
HOURS_KEPT = timedelta(days=90)
DAYS_KEPT = timedelta(days=730)
MAINTENANCE = "maintenance"  # the status of a check whose failure was announced


@dataclass(frozen=True, slots=True)
class Point:
    """One stored check; `ms` only where it answered."""

    at: datetime
    status: str
    ms: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What a span of time adds up to; `histogram` holds successes only."""

    up_seconds: float = 0.0
    down_seconds: float = 0.0
    unknown_seconds: float = 0.0
    maintenance_seconds: float = 0.0
    checks: int = 0
    failed: int = 0
    sum_ms: float = 0.0
    least_ms: float | None = None
    most_ms: float | None = None
    histogram: dict[int, int] = field(default_factory=dict)

    @property
    def availability_percent(self) -> float | None:
        """Time up of the time known, or None where nothing is known: a gap is no outage."""
        known = self.up_seconds + self.down_seconds
        return 100 * self.up_seconds / known if known > 0 else None

    def percentile(self, q: float) -> float | None:
        if self.least_ms is None or self.most_ms is None:
            return None
        return histogram.quantile(self.histogram, q, self.least_ms, self.most_ms)


def spells(
    points: Sequence[Point], start: datetime, end: datetime, longest: timedelta
) -> Iterator[tuple[str, float]]:
    """How many seconds within [start, end) each check speaks for, in order.

    A check speaks until the next one, at most `longest`; what lies beyond is a gap. Points may
    begin before `start`, so that the last earlier one speaks into the span.
    """
    for place, point in enumerate(points):
        until = min(point.at + longest, end)
        if place + 1 < len(points):
            until = min(until, points[place + 1].at)
        seconds = (until - max(point.at, start)).total_seconds()
        if seconds > 0:
            yield point.status, seconds


def totalled(points: Sequence[Point], start: datetime, end: datetime, longest: timedelta) -> Totals:
    """The sums over [start, end) of checks in order of time."""
    seconds = {"up": 0.0, UNHEALTHY: 0.0, UNKNOWN: 0.0, MAINTENANCE: 0.0}
    for status, spoken in spells(points, start, end, longest):
        seconds[status if status in seconds else "up"] += spoken
    inside = [each for each in points if start <= each.at < end]
    times = [each.ms for each in inside if each.ms is not None and each.status != UNHEALTHY]
    return Totals(
        up_seconds=seconds["up"],
        down_seconds=seconds[UNHEALTHY],
        unknown_seconds=seconds[UNKNOWN],
        maintenance_seconds=seconds[MAINTENANCE],
        checks=len(inside),
        failed=sum(each.status == UNHEALTHY for each in inside),
        sum_ms=sum(times),
        least_ms=min(times, default=None),
        most_ms=max(times, default=None),
        histogram=histogram.counted(times),
    )


def merged(parts: Iterable[Totals]) -> Totals:
    """Several spans as one. Percentiles come of the merged histogram, never of an average."""
    every = list(parts)
    least = [each.least_ms for each in every if each.least_ms is not None]
    most = [each.most_ms for each in every if each.most_ms is not None]
    return Totals(
        up_seconds=sum(each.up_seconds for each in every),
        down_seconds=sum(each.down_seconds for each in every),
        unknown_seconds=sum(each.unknown_seconds for each in every),
        maintenance_seconds=sum(each.maintenance_seconds for each in every),
        checks=sum(each.checks for each in every),
        failed=sum(each.failed for each in every),
        sum_ms=sum(each.sum_ms for each in every),
        least_ms=min(least, default=None),
        most_ms=max(most, default=None),
        histogram=histogram.merged(each.histogram for each in every),
    )


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    return hour_of(moment).replace(hour=0)


def hours(first: datetime, until: datetime) -> Iterator[datetime]:
    """The starts of the hours that are over: from that of `first` to the last before `until`."""
    start = hour_of(first)
    while start + HOUR <= until:
        yield start
        start += HOUR
