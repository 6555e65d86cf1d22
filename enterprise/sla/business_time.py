"""Business time: how much of a span is open, and when an amount of open time has passed. Pure.

An instant is open if its local wall time in the zone lies in an interval [start, end) of its local
date. Business time is the length of the open instants: an hour that the clocks skip counts nothing,
one that they repeat counts twice. A span is cut where the zone's offset changes; inside a piece
local time is UTC plus a constant, so intervals are intersected there and nowhere else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from aethercrown.formatting import date_text

DAY = timedelta(days=1)
NONE = timedelta(0)
LOOK_EVERY = timedelta(hours=6)  # offsets are compared this often
SECOND = timedelta(seconds=1)
LONGEST_CLOSED_YEARS = 5
BACKWARD_WINDOW = timedelta(days=31)
LAST_YEAR = 9998  # later, datetime ends


class NoOpenHours(ValueError):
    """The calendar is closed for longer than LONGEST_CLOSED_YEARS."""


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """Open from `start` until `end` after midnight, wall time; an end of 24:00 is allowed."""

    start: timedelta
    end: timedelta

    def __post_init__(self) -> None:
        if not NONE <= self.start < self.end <= DAY:
            raise ValueError(f"{interval_text(self)} does not end after its start on the same day.")


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """The open intervals of a zone: by weekday (Monday first), or by date where `special` has it.

    On a holiday of `country` (and `subdivision`) nothing is open, unless `special` has the date.
    Raises ValueError for intervals that overlap or are out of order, and for none at all.
    """

    zone: str
    weekly: tuple[tuple[OpenInterval, ...], ...]
    special: Mapping[date, tuple[OpenInterval, ...]] = field(default_factory=dict)
    country: str = ""
    subdivision: str = ""

    def __post_init__(self) -> None:
        if len(self.weekly) != 7 or not any(self.weekly):
            raise ValueError("A calendar needs seven weekdays with at least one open interval.")
        for intervals in (*self.weekly, *self.special.values()):
            check_order(intervals)

    def intervals(self, day: date) -> tuple[OpenInterval, ...]:
        """The open intervals of a local date."""
        found = self.special.get(day)
        if found is not None:
            return found
        if self.country and day in holidays_of(self.country, self.subdivision, day.year):
            return ()
        return self.weekly[day.weekday()]


Span = tuple[datetime, datetime]


def check_order(intervals: Sequence[OpenInterval]) -> None:
    """Raise ValueError unless each interval begins at or after the end of the one before."""
    for before, after in pairwise(intervals):
        if after.start < before.end:
            raise ValueError(f"{interval_text(after)} begins before {interval_text(before)} ends.")


def interval_text(interval: OpenInterval) -> str:
    """An interval as people write it: 09:00-17:00."""
    return f"{clock_text(interval.start)}-{clock_text(interval.end)}"


def clock_text(after_midnight: timedelta) -> str:
    minutes, seconds = divmod(int(after_midnight.total_seconds()), 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def read_clock(text: str) -> timedelta:
    """A wall time such as 09:00 or 24:00. Raises ValueError."""
    if text.strip() == "24:00":
        return DAY
    at = time.fromisoformat(text.strip())
    if at.tzinfo is not None or at.microsecond:
        raise ValueError(f"{text!r} is not a time of day such as 09:00.")
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


def read_intervals(text: str) -> tuple[OpenInterval, ...]:
    """Intervals such as "09:00-12:30, 13:30-18:00"; none of an empty text. Raises ValueError."""
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        start, dash, end = part.partition("-")
        if not dash:
            raise ValueError(f"{part!r} is not an interval such as 09:00-17:00.")
        found.append(OpenInterval(read_clock(start), read_clock(end)))
    check_order(found)
    return tuple(found)


def between(hours: BusinessHours, start: datetime, end: datetime) -> timedelta:
    """The open time in [start, end); nothing where the end is not later."""
    return sum((last - first for first, last in open_spans(hours, start, end)), NONE)


def is_open(hours: BusinessHours, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(hours.zone))
    clock = datetime.combine(date.min, local.time()) - datetime.combine(date.min, time())
    return any(each.start <= clock < each.end for each in hours.intervals(local.date()))


def add(hours: BusinessHours, start: datetime, amount: timedelta) -> datetime:
    """The earliest instant with `amount` of open time since `start`.

    An amount that is used up at closing time ends there. For none: `start` if it is open, else the
    next opening. Raises NoOpenHours.
    """
    left = amount
    for first, last in _spans_from(hours, start):
        if left <= last - first:
            return first + left
        left -= last - first
    raise NoOpenHours(_closed_text(hours, start))


def subtract(hours: BusinessHours, end: datetime, amount: timedelta) -> datetime:
    """The latest instant with `amount` of open time until `end`: the inverse of `add`.

    For none: `end` if it is open, else the last closing before it. Raises NoOpenHours.
    """
    if amount == NONE and is_open(hours, end):
        return end.astimezone(UTC)
    left = amount
    for first, last in _spans_until(hours, end):
        if left <= last - first:
            return last - left
        left -= last - first
    raise NoOpenHours(_closed_text(hours, end))


def later_day(hours: BusinessHours, start: datetime, days: int) -> datetime:
    """The same local time on the `days`-th later date that has open hours. Raises NoOpenHours.

    A wall time that the clocks skip on that date is later by what they skip.
    """
    zone = ZoneInfo(hours.zone)
    local = start.astimezone(zone)
    day, left, closed = local.date(), days, 0
    while left:
        day += DAY
        is_closed = not hours.intervals(day)
        closed = closed + 1 if is_closed else 0
        left -= not is_closed
        if closed > LONGEST_CLOSED_YEARS * 366:
            raise NoOpenHours(_closed_text(hours, start))
    return datetime.combine(day, local.time(), tzinfo=zone).astimezone(UTC)


def open_spans(hours: BusinessHours, start: datetime, end: datetime) -> Iterator[Span]:
    """The open parts of [start, end) in UTC, in order."""
    for first, last, offset in pieces(hours.zone, start.astimezone(UTC), end.astimezone(UTC)):
        local_first, local_last = _local(first, offset), _local(last, offset)
        day = local_first.date()
        while day <= local_last.date():
            midnight = datetime.combine(day, time())
            for each in hours.intervals(day):
                opens = max(midnight + each.start, local_first)
                closes = min(midnight + each.end, local_last)
                if opens < closes:
                    yield _instant(opens, offset), _instant(closes, offset)
            day += DAY


def pieces(
    zone: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """[start, end) in UTC cut where the zone's offset changes, with the offset of each piece."""
    first = start
    for year in range(start.year, end.year + 1):
        for change in offset_changes(zone, year):
            if first < change < end:
                yield first, change, offset_at(zone, first)
                first = change
    if first < end:
        yield first, end, offset_at(zone, first)


@lru_cache(maxsize=4096)
def offset_changes(zone: str, year: int) -> tuple[datetime, ...]:
    """The instants of a UTC year, to the second, at which the zone's offset changes."""
    found = []
    low = datetime(year, 1, 1, tzinfo=UTC)
    end = datetime(year + 1, 1, 1, tzinfo=UTC)
    while low < end:
        high = low + LOOK_EVERY
        if offset_at(zone, low) != offset_at(zone, high):
            found.append(_change(zone, low, high))
        low = high
    return tuple(found)


def is_zone(name: str) -> bool:
    """Whether it is the name of a time zone, such as Europe/Berlin."""
    return name in available_zones()


@lru_cache(maxsize=1)
def available_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def offset_at(zone: str, instant: datetime) -> timedelta:
    return instant.astimezone(ZoneInfo(zone)).utcoffset() or NONE


@lru_cache(maxsize=1024)
def holidays_of(country: str, subdivision: str, year: int) -> frozenset[date]:
    """The public holidays of a year. Raises ValueError for a country that is not known."""
    import holidays  # noqa: PLC0415 - large: only where a calendar names a country

    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError as error:
        raise ValueError(f"No holidays are known of {country} {subdivision}".strip()) from error
    return frozenset(day for day in found if day.year == year)


def _change(zone: str, low: datetime, high: datetime) -> datetime:
    """The first second in (low, high] with the offset of `high`."""
    after = offset_at(zone, high)
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        low, high = (low, middle) if offset_at(zone, middle) == after else (middle, high)
    return high


def _spans_from(hours: BusinessHours, start: datetime) -> Iterator[Span]:
    """Open spans from `start` on; ends after LONGEST_CLOSED_YEARS without any."""
    first, closed = start.astimezone(UTC), 0
    while closed < LONGEST_CLOSED_YEARS and first.year < LAST_YEAR:
        last = datetime(first.year + 1, 1, 1, tzinfo=UTC)
        found = NONE
        for span in open_spans(hours, first, last):
            found += SECOND
            yield span
        closed = 0 if found else closed + 1
        first = last


def _spans_until(hours: BusinessHours, end: datetime) -> Iterator[Span]:
    """Open spans before `end`, the last first; ends after LONGEST_CLOSED_YEARS without any."""
    last, closed = end.astimezone(UTC), NONE
    while closed < LONGEST_CLOSED_YEARS * 366 * DAY and last.year > 1:
        first = last - BACKWARD_WINDOW
        found = list(open_spans(hours, first, last))
        yield from reversed(found)
        closed = NONE if found else closed + BACKWARD_WINDOW
        last = first


def _closed_text(hours: BusinessHours, at: datetime) -> str:
    return f"Nothing is open in {hours.zone} for {LONGEST_CLOSED_YEARS} years from {date_text(at)}."


def _local(instant: datetime, offset: timedelta) -> datetime:
    return instant.replace(tzinfo=None) + offset


def _instant(local: datetime, offset: timedelta) -> datetime:
    return (local - offset).replace(tzinfo=UTC)
