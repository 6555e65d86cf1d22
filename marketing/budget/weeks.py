"""Daily rows as weeks, the period that plans work in; weekly and rarer rows stay as they are."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

WEEK = dt.timedelta(days=7)
MONDAY = 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """How dates become periods: `daily` ones are summed into weeks that start on `weekday`."""

    daily: bool
    weekday: int
    first: dt.date
    last: dt.date

    def period(self, on: dt.date) -> dt.date | None:
        """The first day of the period that holds `on`; None in a week that is not complete."""
        if not self.daily:
            return on
        start = week_of(on, self.weekday)
        return start if self.first <= start and start + WEEK - DAY <= self.last else None


DAY = dt.timedelta(days=1)


def week_of(on: dt.date, weekday: int = MONDAY) -> dt.date:
    """The day on which the week of `on` starts."""
    return on - dt.timedelta(days=(on.weekday() - weekday) % 7)


def is_daily(dates: Sequence[dt.date]) -> bool:
    """Whether sorted dates follow each other faster than by weeks, as a rule."""
    gaps = [(after - before).days for before, after in pairwise(dates)]
    return bool(gaps) and median(gaps) < 7


def calendar(spent_on: Iterable[dt.date], totals_on: Iterable[dt.date] = ()) -> Calendar:
    """One calendar for rows of channels and totals: the weeks of whichever is weekly.

    Needs at least one date of a channel's row.
    """
    spent, totals = sorted(set(spent_on)), sorted(set(totals_on))
    daily_totals = is_daily(totals)
    weekday = totals[0].weekday() if totals and not daily_totals else MONDAY
    known = spent if not totals else [each for each in spent if totals[0] <= each] or spent
    last = known[-1]
    if totals:
        last = min(last, totals[-1] + (dt.timedelta() if daily_totals else WEEK - DAY))
    return Calendar(is_daily(spent), weekday, known[0], last)


def summed(amounts: Iterable[tuple[dt.date, float]], by: Calendar) -> dict[dt.date, float]:
    """Amounts by period, in order of date."""
    found: dict[dt.date, float] = {}
    for on, amount in sorted(amounts):
        period = by.period(on)
        if period is not None:
            found[period] = found.get(period, 0.0) + amount
    return found


def highest(flags: Mapping[dt.date, float], by: Calendar) -> dict[dt.date, float]:
    """A calendar flag by period: its strongest day counts."""
    found: dict[dt.date, float] = {}
    for on, value in sorted(flags.items()):
        period = by.period(on)
        if period is not None:
            found[period] = max(found.get(period, value), value)
    return found
