"""Schedules as text, such as "every 30 minutes" or "at 03:00 on weekdays"."""

import re
from datetime import datetime, timedelta

from operations.automations.occurrences import FixedInterval, Schedule, WallClock

EXAMPLES = '"every 30 minutes", "every 12 hours", "at 03:00", "at 07:30 on Monday and Thursday"'
UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MAX_INTERVAL = timedelta(days=366)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
WHOLE_WEEK = frozenset(range(7))
WEEKDAYS = frozenset(range(1, 6))
WEEKEND = frozenset({0, 6})
GROUPS = {"weekdays": WEEKDAYS, "weekends": WEEKEND, "every day": WHOLE_WEEK}

_every = re.compile(r"every (?:(?P<count>\S+) )?(?P<unit>[a-z]+?)s?")
_at = re.compile(r"(?:daily |every day )?at (?P<time>\S+)(?: on (?P<days>.+))?")


class InvalidSchedule(ValueError):
    """The text is not a schedule; the message says why."""


def parse(text: str, anchor: datetime) -> Schedule:
    """Read a schedule; intervals count from `anchor`. Raises InvalidSchedule."""
    spoken = " ".join(text.lower().split())
    if match := _at.fullmatch(spoken):
        return _daily(match["time"], match["days"])
    if match := _every.fullmatch(spoken):
        return FixedInterval(_span(match["count"] or "1", match["unit"]), anchor)
    raise InvalidSchedule(f'"{text.strip()}" is not a schedule. Write for example {EXAMPLES}.')


def describe(schedule: Schedule) -> str:
    """Write a schedule so that `parse` reads it back, if it has such a form."""
    if isinstance(schedule, FixedInterval):
        count, period = units(schedule.every)
        return f"every {period[:-1]}" if count == 1 else f"every {count} {period}"
    times = sorted((hour, minute) for hour in schedule.hours for minute in schedule.minutes)
    if len(times) > 1 or len(schedule.days) < 31 or len(schedule.months) < 12:
        return "at times set outside this form"
    [(hour, minute)] = times
    return f"at {hour:02}:{minute:02}{_on(schedule.weekdays)}"


def crontab(wall: WallClock) -> dict[str, str]:
    """The same times as the five fields of a crontab."""
    return {
        "minute": _field(wall.minutes, 60),
        "hour": _field(wall.hours, 24),
        "day_of_week": _field(wall.weekdays, 7),
        "day_of_month": _field(wall.days, 31),
        "month_of_year": _field(wall.months, 12),
    }


def _field(values: frozenset[int], whole: int) -> str:
    return "*" if len(values) == whole else ",".join(map(str, sorted(values)))


def units(every: timedelta) -> tuple[int, str]:
    """The span as a whole count of its largest unit: (90, "minutes")."""
    for unit in ("day", "hour", "minute"):
        if not every % UNITS[unit]:
            return every // UNITS[unit], f"{unit}s"
    return every // UNITS["second"], "seconds"


def _span(count: str, unit: str) -> timedelta:
    if unit not in UNITS:
        known = ", ".join(f"{each}s" for each in UNITS)
        raise InvalidSchedule(f'"{unit}" is not a unit of time here. Known: {known}.')
    if not count.isascii() or not count.isdigit() or not int(count[:9]):
        raise InvalidSchedule(f'"{count}" is not a whole number from 1.')
    span = int(count[:9]) * UNITS[unit] if len(count) < 9 else 2 * MAX_INTERVAL
    if span > MAX_INTERVAL:
        raise InvalidSchedule(f'"{count} {unit}s" is more than the longest interval, 366 days.')
    return span


def _daily(clock: str, days: str | None) -> WallClock:
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", clock)
    if match is None:
        raise InvalidSchedule(f'"{clock}" is not a time of day. Write hours and minutes: 03:00.')
    hour, minute = int(match[1]), int(match[2])
    if hour > 23 or minute > 59:
        raise InvalidSchedule(f'"{clock}" is not a time of day: they go from 00:00 to 23:59.')
    return WallClock(
        minutes=frozenset({minute}),
        hours=frozenset({hour}),
        weekdays=_weekdays(days) if days else WHOLE_WEEK,
        days=frozenset(range(1, 32)),
        months=frozenset(range(1, 13)),
    )


def _weekdays(spoken: str) -> frozenset[int]:
    if spoken in GROUPS:
        return GROUPS[spoken]
    return frozenset(_weekday(each) for each in re.split(r", and |, ?| and ", spoken))


def _weekday(spoken: str) -> int:
    for number, day in enumerate(DAYS):
        if len(spoken) >= 3 and f"{day.lower()}s".startswith(spoken):
            return number
    raise InvalidSchedule(
        f'"{spoken}" is not a day of the week. Write Monday or Mon, or: weekdays.'
    )


def _on(weekdays: frozenset[int]) -> str:
    for group, days in GROUPS.items():
        if weekdays == days:
            return "" if days == WHOLE_WEEK else f" on {group}"
    *first, last = [DAYS[number] for number in sorted(weekdays, key=lambda day: (day - 1) % 7)]
    return f" on {', '.join(first)} and {last}" if first else f" on {last}"
