"""The period and comparison in an address; what is wrong with it is said on the page. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from aethercrown.formatting import counted, date_text
from aethercrown.metrics.period import Period, days_to, months_to

EARLIEST = date(2000, 1, 1)
MAX_DAYS = 731  # of pages that show each day
COMPARISONS = {"previous": "the period before", "year": "a year earlier", "none": "nothing"}
PARAMETERS = ("period", "from", "to", "compare")


@dataclass(frozen=True, slots=True)
class PeriodChoice:
    """A period, the one it is compared with, and what was wrong with the address."""

    period: Period
    preset: str  # such as 12m; empty where the address has days of its own
    presets: tuple[str, ...]
    compare: str = "previous"
    problems: tuple[str, ...] = ()
    compares: bool = True  # whether the page compares at all

    @property
    def compared(self) -> Period | None:
        """None where nothing is compared, or there is no such earlier period."""
        try:
            if self.compare == "previous":
                return self.period.before()
            return self.period.year_before() if self.compare == "year" else None
        except ValueError:
            return None

    @property
    def compared_text(self) -> str:
        """With what each change compares, as said beside it."""
        return COMPARISONS[self.compare] if self.compared else ""

    @property
    def text(self) -> str:
        """Its days, and those that it is compared with."""
        text = period_text(self.period)
        return f"{text}, compared with {period_text(self.compared)}" if self.compared else text

    @property
    def comparisons(self) -> dict[str, str]:
        """What a period can be compared with: the name in the address, and its text."""
        return COMPARISONS if self.compares else {}

    def choices(self) -> list[tuple[str, str, bool]]:
        """Each preset: its name in the address, its text, and whether it is chosen."""
        return [(each, preset_text(each), each == self.preset) for each in self.presets]


def read_period(
    given: Mapping[str, str],
    today: date,
    presets: tuple[str, ...],
    default: str,
    *,
    max_days: int | None = None,
    compares: bool = True,
) -> PeriodChoice:
    """By `period` (a preset) or `from` and `to` (days), and `compare`; wrong parts are left out.

    A page whose size grows with each day has `max_days`; one without changes does not compare.
    """
    problems: list[str] = []
    compare = given.get("compare", "previous") if compares else "none"
    if compare not in COMPARISONS:
        problems.append(f"compare is one of {', '.join(COMPARISONS)}, not {_cut(compare)}.")
        compare = "previous"
    found = None
    if given.get("from") or given.get("to"):
        found = _days(given, today, max_days, problems)
    preset = "" if found else _preset(given.get("period", default), presets, default, problems)
    return PeriodChoice(
        found or preset_period(preset, today), preset, presets, compare, tuple(problems), compares
    )


def preset_period(preset: str, today: date) -> Period:
    """12m: the last twelve calendar months to today; 30d: the last thirty days."""
    count = int(preset[:-1])
    return months_to(today, count) if preset.endswith("m") else days_to(today, count)


def preset_text(preset: str) -> str:
    return counted(int(preset[:-1]), "month" if preset.endswith("m") else "day")


def period_text(period: Period) -> str:
    if period.first == period.last:
        return date_text(period.first)
    return f"{date_text(period.first)} to {date_text(period.last)}"


def _preset(asked: str, presets: tuple[str, ...], default: str, problems: list[str]) -> str:
    if asked in presets:
        return asked
    problems.append(f"period is one of {', '.join(presets)}, not {_cut(asked)}.")
    return default


def _days(
    given: Mapping[str, str], today: date, max_days: int | None, problems: list[str]
) -> Period | None:
    """The days of the address; None, with the problems added, where they make no period."""
    first, last = (_day(given, name, problems) for name in ("from", "to"))
    if first is None or last is None:
        return None
    if last < first:
        problems.append(
            f"The period ends on {date_text(last)}, before it starts on {date_text(first)}."
        )
    elif first < EARLIEST:
        problems.append(f"A period starts on {date_text(EARLIEST)} or later.")
    elif last > today:
        problems.append(f"A period ends today, {date_text(today)}, or earlier.")
    elif max_days and Period(first, last).days > max_days:
        problems.append(f"A period has at most {counted(max_days, 'day')} here.")
    else:
        return Period(first, last)
    return None


def _day(given: Mapping[str, str], name: str, problems: list[str]) -> date | None:
    asked = given.get(name, "")
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", asked, re.ASCII):
            return date.fromisoformat(asked)
    except ValueError:
        pass
    problems.append(f"{name} is a day such as 2026-03-01, not {_cut(asked)}.")
    return None


def _cut(asked: str) -> str:
    return repr(asked if len(asked) <= 20 else f"{asked[:20]}…")
