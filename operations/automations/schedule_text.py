"""Schedules as text, such as "every 30 minutes" or "at 03:00 on weekdays"."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from operations.automations import crontab_text
from operations.automations.occurrences import (
    EVERY_DAY,
    EVERY_MONTH,
    WHOLE_WEEK,
    FixedInterval,
    Schedule,
    WallClock,
    upcoming,
)

EXAMPLES = (
    '"every 30 minutes", "every 15 minutes between 08:00 and 18:00 on weekdays", "at 03:00", '
    '"at 7am and 12:30 on Monday to Friday", "at 06:00 on the 1st and 15th", '
    '"at 06:00 on the last day", or a crontab such as "0 3 * * 1-5"'
)
UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
ABBREVIATIONS = {"sec": "second", "min": "minute", "hr": "hour", "h": "hour"}
MIN_INTERVAL, MAX_INTERVAL = timedelta(seconds=10), timedelta(days=366)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
WEEKDAYS = frozenset(range(1, 6))
WEEKEND = frozenset({0, 6})
GROUPS = {"weekdays": WEEKDAYS, "weekends": WEEKEND, "every day": WHOLE_WEEK}
NAMED_TIMES = {"noon": (12, 0), "midnight": (0, 0)}
MAX_TIMES = 12  # written one by one
LAST_DAY = 31
_every = re.compile(
    r"every (?:(?P<count>\S+) )?(?P<unit>[a-z]+?)s?(?: (?:at|from) minute (?P<minute>\d{1,2}))?"
    r"(?: (?:between|from) (?P<first>\S+) (?:and|to) (?P<last>\S+))?(?: on (?P<days>.+))?"
)
_at = re.compile(
    r"(?:daily |every day )?at (?P<times>.+?)(?: on (?P<days>.+?))?(?: in (?P<months>.+))?"
)
_time = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))? ?(?P<half>[ap]\.?m\.?)?", re.ASCII)
_day_of_month = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?", re.ASCII)
_separator = re.compile(r", and |, ?| and | & ")


class InvalidSchedule(ValueError):
    """The text is not a schedule; the message says why."""


def parse(text: str, anchor: datetime) -> Schedule:
    """Read a schedule; intervals count from `anchor`. Raises InvalidSchedule."""
    spoken = " ".join(text.lower().split()).removeprefix("crontab ")
    if crontab_text.is_crontab(spoken):
        try:
            return crontab_text.read(spoken)
        except crontab_text.InvalidCrontab as error:
            raise InvalidSchedule(str(error)) from error
    if match := _at.fullmatch(spoken):
        return _daily(match["times"], match["days"], match["months"])
    if match := _every.fullmatch(spoken):
        return _repeated(match, anchor)
    raise InvalidSchedule(f'"{text.strip()}" is not a schedule. Write for example {EXAMPLES}.')


def check_usable(schedule: Schedule, now: datetime) -> None:
    """Raise InvalidSchedule for one that is never due, or oftener than each MIN_INTERVAL."""
    if isinstance(schedule, FixedInterval):
        if schedule.every < MIN_INTERVAL:
            least = f"{MIN_INTERVAL.seconds} seconds"
            raise InvalidSchedule(f"{describe(schedule)} is too often: at least {least} apart.")
    elif not upcoming(schedule, ZoneInfo("UTC"), now, 1):
        raise InvalidSchedule("It is never due: no year has such a day.")


def describe(schedule: Schedule) -> str:
    """Write a schedule in words, or as a crontab where words would be long; `parse` reads it."""
    if isinstance(schedule, FixedInterval):
        count, period = units(schedule.every)
        return f"every {period[:-1]}" if count == 1 else f"every {count} {period}"
    times = _times_in_words(schedule)
    if not times:
        return "crontab {minute} {hour} {day_of_month} {month_of_year} {day_of_week}".format(
            **crontab_text.write(schedule)
        )
    return times + _on_days(schedule) + _in_months(schedule.months)


def units(every: timedelta) -> tuple[int, str]:
    """The span as a whole count of its largest unit: (90, "minutes")."""
    for unit in ("day", "hour", "minute"):
        if not every % UNITS[unit]:
            return every // UNITS[unit], f"{unit}s"
    return every // UNITS["second"], "seconds"


def _repeated(match: re.Match[str], anchor: datetime) -> Schedule:
    """Elapsed time, or by the wall clock where days, hours or a minute are named."""
    count, unit = match["count"] or "1", ABBREVIATIONS.get(match["unit"], match["unit"])
    every = _span(count, unit)
    if not any(match[name] for name in ("minute", "first", "days")):
        return FixedInterval(every, anchor)
    hours = _hours(match["first"], match["last"]) if match["first"] else range(24)
    times = _clock_times(every, int(match["minute"] or 0), hours)
    if not times:
        raise InvalidSchedule(
            f'"{match[0]}" does not fit the clock. With days, hours or a minute the count must'
            " divide an hour or a day: 5, 10, 15, 20 or 30 minutes, 1, 2, 3, 4, 6, 8 or 12 hours;"
            " and the first minute must be below it."
        )
    weekdays, days, is_clamped = _days(match["days"])
    return WallClock(times, weekdays, days, each_hour=True, is_clamped=is_clamped)


def _clock_times(every: timedelta, minute: int, hours: range) -> frozenset[tuple[int, int]]:
    """The times each `every` from `minute` in these hours; none if `every` does not divide."""
    hour, day = UNITS["hour"], UNITS["day"]
    if every < hour and not hour % every and not every % UNITS["minute"]:
        step = every // UNITS["minute"]
        minutes = range(minute, 60, step) if minute < step else range(0)
        return frozenset((at, each) for at in hours for each in minutes)
    if not every % hour and every < day and not day % every and minute < 60:
        return frozenset((at, minute) for at in hours[:: every // hour])
    return frozenset()


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


def _hours(first: str, last: str) -> range:
    """The whole hours from one time until another of the same day."""
    begin = _time_of_day(first)
    end = (24, 0) if last in {"24:00", "midnight"} else _time_of_day(last)
    if begin[1] or end[1] or begin >= end:
        raise InvalidSchedule(
            f'"between {first} and {last}" must be whole hours of one day: 08:00 and 18:00.'
        )
    return range(begin[0], end[0])


def _daily(times: str, days: str | None, months: str | None) -> WallClock:
    found = frozenset(_time_of_day(each) for each in _separator.split(times))
    if len(found) > MAX_TIMES:
        raise InvalidSchedule(f"{len(found)} times a day: more than {MAX_TIMES} need a crontab.")
    weekdays, days_of_month, is_clamped = _days(days)
    chosen = frozenset(_month(each) for each in _separator.split(months)) if months else EVERY_MONTH
    return WallClock(found, weekdays, days_of_month, chosen, is_clamped=is_clamped)


def _time_of_day(clock: str) -> tuple[int, int]:
    if clock in NAMED_TIMES:
        return NAMED_TIMES[clock]
    match = _time.fullmatch(clock)
    if match is None or not (match["minute"] or match["half"]):
        raise InvalidSchedule(
            f'"{clock}" is not a time of day. Write hours and minutes: 03:00, or 7am.'
        )
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            raise InvalidSchedule(f'"{clock}" is not a time of day: am and pm go from 1 to 12.')
        hour = hour % 12 + 12 * match["half"].startswith("p")
    if hour > 23 or minute > 59:
        raise InvalidSchedule(f'"{clock}" is not a time of day: they go from 00:00 to 23:59.')
    return hour, minute


def _days(spoken: str | None) -> tuple[frozenset[int], frozenset[int], bool]:
    """The days of the week, those of the month, and whether the latter may fall on its last."""
    if spoken is None:
        return WHOLE_WEEK, EVERY_DAY, False
    text = re.sub(r" (of|in) (the|each|every) month$", "", spoken)
    if re.match(r"the |\d|last ", text):
        days = frozenset(_number_of_day(each) for each in _separator.split(text))
        return WHOLE_WEEK, days, max(days) > crontab_text.SHORTEST_MONTH
    return _weekdays(text), EVERY_DAY, False


def _number_of_day(spoken: str) -> int:
    text = spoken.removeprefix("the ")
    if text in {"last", "last day"}:
        return LAST_DAY
    match = _day_of_month.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= LAST_DAY:
        raise InvalidSchedule(
            f'"{text}" is not a day of the month. Write the 1st, the 31st or the last day.'
        )
    return int(match[1])


def _weekdays(spoken: str) -> frozenset[int]:
    if spoken in GROUPS:
        return GROUPS[spoken]
    found: set[int] = set()
    for each in _separator.split(spoken):
        first, *last = re.split(r" ?- ?| to | through ", each, maxsplit=1)
        begin = _weekday(first)
        length = (_weekday(last[0]) - begin) % 7 if last else 0
        found |= {(begin + step) % 7 for step in range(length + 1)}
    return frozenset(found)


def _weekday(spoken: str) -> int:
    for number, day in enumerate(DAYS):
        if len(spoken) >= 3 and f"{day.lower()}s".startswith(spoken):
            return number
    raise InvalidSchedule(
        f'"{spoken}" is not a day of the week. Write Monday or Mon, or: weekdays.'
    )


def _month(spoken: str) -> int:
    for number, month in enumerate(MONTHS, 1):
        if len(spoken) >= 3 and month.lower().startswith(spoken):
            return number
    raise InvalidSchedule(f'"{spoken}" is not a month. Write January or Jan.')


def _times_in_words(wall: WallClock) -> str:
    """The times without their days; empty if only a crontab says them."""
    if (
        not wall.is_clamped
        and wall.days != EVERY_DAY
        and max(wall.days) > crontab_text.SHORTEST_MONTH
    ):
        return ""
    if wall.each_hour:
        return _steps_in_words(wall) if wall.months == EVERY_MONTH else ""
    if len(wall.times) > MAX_TIMES:
        return ""
    return f"at {_listed(f'{hour:02}:{minute:02}' for hour, minute in sorted(wall.times))}"


def _steps_in_words(wall: WallClock) -> str:
    hours, minutes = (sorted({each[place] for each in wall.times}) for place in (0, 1))
    apart = _step(hours, 24), _step(minutes, 60)
    if len(minutes) == 1:
        every, known = apart[0] * UNITS["hour"], 24 % (apart[0] or 1) == 0
    else:
        every, known = apart[1] * UNITS["minute"], apart[0] == 1
    whole = range(hours[0], hours[-1] + 1)
    if not (every and known) or _clock_times(every, minutes[0], whole) != wall.times:
        return ""
    count, unit = units(every)
    words = f"every {unit[:-1]}" if count == 1 else f"every {count} {unit}"
    is_all_day = _clock_times(every, minutes[0], range(24)) == wall.times
    is_any_day = (wall.weekdays, wall.days) == (WHOLE_WEEK, EVERY_DAY)
    if minutes[0] or (is_all_day and is_any_day):
        words += f" {'at' if len(minutes) == 1 else 'from'} minute {minutes[0]}"
    return words if is_all_day else f"{words} between {hours[0]:02}:00 and {hours[-1] + 1:02}:00"


def _step(values: Sequence[int], whole: int) -> int:
    """How far the values lie apart; 0 if not evenly, `whole` for one value."""
    apart = {other - one for one, other in pairwise(values)}
    return apart.pop() if len(apart) == 1 else 0 if apart else whole


def _on_days(wall: WallClock) -> str:
    if wall.days != EVERY_DAY:
        last = wall.is_clamped and max(wall.days) == LAST_DAY
        names = [
            f"the {_ordinal(day)}" for day in sorted(wall.days) if not (last and day == LAST_DAY)
        ]
        return f" on {_listed([*names, *(['the last day'] if last else [])])}"
    for group, days in GROUPS.items():
        if wall.weekdays == days:
            return "" if days == WHOLE_WEEK else f" on {group}"
    ordered = sorted(wall.weekdays, key=lambda day: (day - 1) % 7)
    return f" on {_listed(DAYS[number] for number in ordered)}"


def _in_months(months: frozenset[int]) -> str:
    if months == EVERY_MONTH:
        return ""
    return f" in {_listed(MONTHS[number - 1] for number in sorted(months))}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number in {11, 12, 13} else ending}"


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
