"""The five fields of a crontab, as text. Pure."""

import re
from collections.abc import Iterable, Mapping

from operations.automations.occurrences import EVERY_DAY, EVERY_MONTH, WHOLE_WEEK, WallClock

NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
FIELDS: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: place for place, name in enumerate(MONTHS, 1)}),
    ("day of the week", 0, 7, {name: place for place, name in enumerate(DAYS)}),
)
SHORTEST_MONTH = 28
_part = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d{1,2}))?", re.ASCII)


class InvalidCrontab(ValueError):
    """The text is not a crontab; the message says why."""


def is_crontab(text: str) -> bool:
    """Whether a text looks like a crontab, valid or not."""
    return text.startswith("@") or bool(re.match(r"[\d*][\d*/,-]* +[\w*/,-]+ +\S", text))


def read(text: str) -> WallClock:
    """The schedule of a crontab or of a name such as @daily. Raises InvalidCrontab."""
    if text.startswith("@") and text not in NICKNAMES:
        raise InvalidCrontab(f'"{text}" is not known. Known: {", ".join(sorted(NICKNAMES))}.')
    fields = NICKNAMES.get(text, text).split()
    if len(fields) != len(FIELDS):
        raise InvalidCrontab(
            f"A crontab has five fields (minute, hour, day of the month, month, day of the week); "
            f"this one has {len(fields)}. There is none for seconds or years."
        )
    values = [_values(*each, field) for each, field in zip(FIELDS, fields, strict=True)]
    minutes, hours, days, months, weekdays = values
    weekdays = frozenset(day % 7 for day in weekdays)
    if days != EVERY_DAY and weekdays != WHOLE_WEEK:
        raise InvalidCrontab(
            "It names days of the month and days of the week, which some programs read as “and”,"
            " others as “or”: leave one of them as a star."
        )
    return WallClock(
        times=frozenset((hour, minute) for hour in hours for minute in minutes),
        weekdays=weekdays,
        days=days,
        months=months,
        each_hour=len(hours) > 1 and ("*" in fields[1] or "/" in fields[1]),
    )


def write(wall: WallClock) -> dict[str, str]:
    """The fields of a crontab that is due whenever `wall` is, and maybe oftener."""
    days = wall.days
    if wall.is_clamped:
        days |= frozenset(range(SHORTEST_MONTH, max(days)))
    return {
        "minute": _field({minute for _, minute in wall.times}, range(60)),
        "hour": _hour_field(wall),
        "day_of_week": _field(wall.weekdays, WHOLE_WEEK),
        "day_of_month": _field(days, EVERY_DAY),
        "month_of_year": _field(wall.months, EVERY_MONTH),
    }


def _hour_field(wall: WallClock) -> str:
    """With a step where each hour or every n-th is meant: then it is read as such again."""
    hours = sorted({hour for hour, _ in wall.times})
    plain = _field(hours, range(24))
    step = hours[1] - hours[0] if len(hours) > 1 else 1
    is_range = hours == list(range(hours[0], hours[-1] + 1, step))
    return (
        f"{hours[0]}-{hours[-1]}/{step}" if wall.each_hour and is_range and plain != "*" else plain
    )


def _field(values: Iterable[int], whole: Iterable[int]) -> str:
    return "*" if set(values) == set(whole) else ",".join(map(str, sorted(values)))


def _values(name: str, low: int, high: int, names: Mapping[str, int], field: str) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = _part.fullmatch(part)
        if match is None:
            raise InvalidCrontab(f'"{part}" is not a {name} of a crontab.')
        first, last = match[1] or str(low), match[2]
        if match[1] is None or (match[3] and not last):
            last = str(high)
        numbers = [_number(each, name, low, high, names) for each in (first, last or first)]
        step = int(match[3] or 1)
        if not step or numbers[0] > numbers[1]:
            raise InvalidCrontab(f'"{part}" is no range of a {name}: it never comes.')
        found.update(range(numbers[0], numbers[1] + 1, step))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int, names: Mapping[str, int]) -> int:
    number = names.get(text, int(text) if text.isdigit() and len(text) < 3 else -1)
    if not low <= number <= high:
        raise InvalidCrontab(f'"{text}" is not a {name}: they go from {low} to {high}.')
    return number
