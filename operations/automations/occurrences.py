"""When a schedule is due: exact instants in UTC, across changes to and from summer time.

A fixed time that the spring change skips is due once, at the first instant after the gap; one
that the autumn change repeats is due the first time only. A schedule of every hour (or every
n-th) is due in each hour that exists. Intervals are elapsed time and have no time zone.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import TypeAlias
from zoneinfo import ZoneInfo

from aethercrown.wall_time import exists, instant

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
WHOLE_WEEK = frozenset(range(7))
EVERY_DAY, EVERY_MONTH = frozenset(range(1, 32)), frozenset(range(1, 13))
MAX_SEARCH_DAYS = 366 * 9  # 29 February recurs within eight years


@dataclass(frozen=True, slots=True)
class FixedInterval:
    """Due each `every`, counted from `anchor`: first at anchor + every."""

    every: timedelta
    anchor: datetime


@dataclass(frozen=True, slots=True)
class WallClock:
    """Times of the wall clock; a day matches if weekday, day of the month and month match."""

    times: frozenset[tuple[int, int]]  # hour and minute
    weekdays: frozenset[int] = WHOLE_WEEK  # from Sunday, 0
    days: frozenset[int] = EVERY_DAY
    months: frozenset[int] = EVERY_MONTH
    each_hour: bool = False  # of every hour or of every n-th
    is_clamped: bool = False  # a day that a month does not have falls on its last one

    def has(self, day: date) -> bool:
        """Whether it is due on this day."""
        is_day = day.day in self.days
        if self.is_clamped and not is_day:
            last = monthrange(day.year, day.month)[1]
            is_day = day.day == last < max(self.days)
        return is_day and day.isoweekday() % 7 in self.weekdays and day.month in self.months


Schedule: TypeAlias = FixedInterval | WallClock


def between(
    schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Every due time in (after, until], oldest first."""
    if isinstance(schedule, FixedInterval):
        yield from _steps(schedule, after, until)
        return
    day = after.astimezone(UTC).date()
    while day <= until.astimezone(UTC).date():
        yield from (slot for slot in _day(schedule, zone, day) if after < slot <= until)
        day += DAY


def latest(
    schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime, limit: int
) -> list[datetime]:
    """The last `limit` due times in (after, until], oldest first."""
    if isinstance(schedule, FixedInterval):
        begin = max(after, until - schedule.every * (limit + 1))
        return list(_steps(schedule, begin, until))[-limit:]
    found: list[datetime] = []
    day = until.astimezone(UTC).date()
    while day >= after.astimezone(UTC).date() and len(found) < limit:
        found[:0] = [slot for slot in _day(schedule, zone, day) if after < slot <= until]
        day -= DAY
    return found[-limit:]


def count(schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime) -> int:
    """How many due times lie in (after, until]."""
    if isinstance(schedule, FixedInterval):
        anchor, every = schedule.anchor, schedule.every
        return max(0, (until - anchor) // every) - max(0, (after - anchor) // every)
    return sum(1 for _ in between(schedule, zone, after, until))


def upcoming(schedule: Schedule, zone: ZoneInfo, after: datetime, count: int) -> list[datetime]:
    """The next `count` due times; fewer, or none, if the calendar has no such day."""
    return list(islice(between(schedule, zone, after, after + MAX_SEARCH_DAYS * DAY), count))


def tolerance(schedule: Schedule) -> timedelta:
    """How much before its due time a message may come."""
    if isinstance(schedule, FixedInterval):
        return min(5 * SECOND, schedule.every / 4)
    return 5 * SECOND


def _steps(schedule: FixedInterval, after: datetime, until: datetime) -> Iterator[datetime]:
    step = max(1, (after - schedule.anchor) // schedule.every + 1)
    while (slot := schedule.anchor + step * schedule.every) <= until:
        yield slot
        step += 1


def _day(schedule: WallClock, zone: ZoneInfo, day: date) -> list[datetime]:
    """The due times of one day in UTC, from the three local days that may touch it."""
    begin = datetime.combine(day, time(), UTC)
    near = {slot for shift in (-DAY, 0 * DAY, DAY) for slot in _local(schedule, zone, day + shift)}
    return sorted(slot for slot in near if begin <= slot < begin + DAY)


@lru_cache(maxsize=128)
def _local(schedule: WallClock, zone: ZoneInfo, day: date) -> frozenset[datetime]:
    """The due times whose local day is `day`."""
    if not schedule.has(day):
        return frozenset()
    walls = [datetime.combine(day, time(*each), zone) for each in schedule.times]
    if schedule.each_hour:
        return frozenset(
            wall.replace(fold=fold).astimezone(UTC)
            for wall in walls
            if exists(wall)
            for fold in (0, 1)
        )
    return frozenset(map(instant, walls))
