"""Periods of a plan: daily rows are summed into weeks, rarer rows are periods themselves."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

WEEK = dt.timedelta(days=7)
MONDAY = 0
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Maps dates to periods: with `daily`, weeks that start on `weekday`.

    Otherwise each date starts a period of `length`. A period that ends after `last` is left out.
    """

    daily: bool
    weekday: int
    first: dt.date
    last: dt.date
    length: dt.timedelta = WEEK

    def period(self, on: dt.date) -> dt.date | None:
        """First day of the period that contains `on`; None for an incomplete period."""
        start = week_of(on, self.weekday) if self.daily else on
        return start if self.first <= start and start + self.length - DAY <= self.last else None


def week_of(on: dt.date, weekday: int = MONDAY) -> dt.date:
    """The day on which the week of `on` starts."""
    return on - dt.timedelta(days=(on.weekday() - weekday) % 7)


def usual_gap(dates: Sequence[dt.date]) -> dt.timedelta:
    """Median distance of sorted dates; a week for fewer than two dates."""
    gaps = [(after - before).days for before, after in pairwise(dates)]
    return dt.timedelta(days=int(median(gaps))) if gaps else WEEK


def calendar(
    spent_on: Iterable[dt.date],
    totals_on: Iterable[dt.date] = (),
    until: dt.date = dt.date.max,
) -> Calendar:
    """One calendar for channel rows and totals; weeks start as those of weekly rows do.

    Needs at least one date in `spent_on`. Periods that end after `until` are left out.
    """
    spent, totals = sorted(set(spent_on)), sorted(set(totals_on))
    daily, daily_totals = usual_gap(spent) < WEEK, usual_gap(totals) < WEEK
    weekday = totals[0].weekday() if totals and not daily_totals else MONDAY
    known = spent if not totals else [each for each in spent if totals[0] <= each] or spent
    if not daily:
        return Calendar(daily, weekday, spent[0], until, usual_gap(spent))
    ends = [known[-1], until]
    if totals:
        ends.append(totals[-1] if daily_totals else totals[-1] + WEEK - DAY)
    return Calendar(daily, weekday, known[0], min(ends))


def by_period(
    values: Iterable[tuple[dt.date, float]],
    periods: Calendar,
    combine: Callable[[list[float]], float] = sum,
) -> dict[dt.date, float]:
    """Values by period, in order of date; those of one period are combined, by default added."""
    found: dict[dt.date, list[float]] = {}
    for on, value in sorted(values):
        period = periods.period(on)
        if period is not None:
            found.setdefault(period, []).append(value)
    return {period: combine(each) for period, each in found.items()}
