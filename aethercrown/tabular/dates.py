"""Dates in any order; the order is decided over the whole column, or asked."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from babel.dates import get_month_names

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da")
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{2})?")
ORDERED = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
WORDED = re.compile(r"(\d{1,2})\.?[ -]([^\W\d]{3,20})\.?,?[ -](\d{4})(?!\d)")
WORDED_FIRST = re.compile(r"(?<![^\W\d])([^\W\d]{3,20})\.? (\d{1,2}),? (\d{4})(?!\d)")
CLOCK = re.compile(r"[T ,]{1,3}\d{1,2}:\d{2}.{0,40}| {0,3}\(?UTC\)?")  # what may follow a date
ORDERS = {"dmy": "day first", "mdy": "month first"}


@lru_cache(1)
def months() -> dict[str, int]:
    """Names of months, whole and short, without points."""
    return {
        name.casefold().rstrip("."): number
        for language in LANGUAGES
        for width in ("wide", "abbreviated")
        for number, name in get_month_names(width, locale=language).items()
    }


@lru_cache(4096)
def readings(cell: str) -> dict[str, date]:
    """Each plausible date by its order; one named "" where the order is plain."""
    return {order: on for order, on in _readings(cell) if on is not None}


def _readings(cell: str) -> Iterator[tuple[str, date | None]]:
    if found := _whole(ISO, cell) or _whole(COMPACT, cell):
        yield "", _date(found[1], found[2], found[3])
    elif found := _whole(ORDERED, cell):
        year = found[4] if len(found[4]) == 4 else f"20{found[4]}"
        yield ("" if found[2] == "." else "dmy"), _date(year, found[3], found[1])
        if found[2] != ".":
            yield "mdy", _date(year, found[1], found[3])
    elif found := _whole(WORDED, cell):
        yield "", _date(found[3], months().get(found[2].casefold(), 0), found[1])
    elif found := _whole(WORDED_FIRST, cell):
        yield "", _date(found[3], months().get(found[1].casefold(), 0), found[2])


def _whole(pattern: re.Pattern[str], cell: str) -> re.Match[str] | None:
    """The match, if at most a time of day follows it."""
    found = pattern.match(cell)
    rest = cell[found.end() :] if found else ""
    return found if found and (not rest or CLOCK.fullmatch(rest)) else None


def _date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def dates_within(text: str) -> list[date]:
    """Dates of a title line, such as October 1, 2026 - October 31, 2026; only plain ones."""
    found = []
    for pattern, order in ((WORDED_FIRST, (3, 1, 2)), (WORDED, (3, 2, 1)), (ISO, (1, 2, 3))):
        for match in pattern.finditer(text):
            year, month, day = (match[each] for each in order)
            number = int(month) if month.isdigit() else months().get(month.casefold(), 0)
            found.append(_date(year, number, day))
    found += [_date(*each) for each in re.findall(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?!\d)", text)]
    return [each for each in found if each is not None]


class OrderEvidence:
    """Which orders fit every date of a column."""

    def __init__(self) -> None:
        self.fitting: set[str] | None = None
        self.spans: dict[str, tuple[date, date]] = {}
        self.deciding = ""  # a cell that only one order fits

    def add(self, cell: str) -> None:
        found = readings(cell)
        if "" in found or not found:
            return
        before = self.fitting
        fitting = set(found) if before is None else before & set(found)
        if not fitting:
            return
        if len(fitting) == 1 and (before is None or len(before) > 1):
            self.deciding = cell
        self.fitting = fitting
        for order, on in found.items():
            first, last = self.spans.get(order, (on, on))
            self.spans[order] = min(first, on), max(last, on)

    def decide(self, hint: str, period: tuple[date, date] | None) -> tuple[str | None, str]:
        """The order and a sentence why; None where two are plausible."""
        fitting = self.fitting or {""}
        if len(fitting) == 1:
            order = next(iter(fitting))
            why = f"Dates are {ORDERS[order]}: {self.deciding} fits only that." if order else ""
            return order, why
        if period:
            inside = [
                order
                for order in sorted(fitting)
                if period[0] <= self.spans[order][0] and self.spans[order][1] <= period[1]
            ]
            if len(inside) == 1:
                return inside[0], (
                    f"Dates are {ORDERS[inside[0]]}: only so are they within the report's period, "
                    f"{period[0]} to {period[1]}."
                )
        if hint in fitting:
            return hint, f"Dates are {ORDERS[hint]}, as this export writes them."
        return None, self.question()

    def question(self) -> str:
        choices = " or ".join(
            f"{ORDERS[order]} ({first} to {last})"
            for order, (first, last) in sorted(self.spans.items())
        )
        return f"The dates fit two orders: {choices}. Which is it?"
