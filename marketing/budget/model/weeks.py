"""Daily rows as weeks, the period that plans work in; weekly and rarer rows stay as they are."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

WEEK = dt.timedelta(days=7)
MONDAY = 0


DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """How dates become periods: `daily` ones are summed into weeks that start on `weekday`.

    Rarer dates are periods themselves, `length` apart. What has not ended by `last` is none yet.
    """

    daily: bool
    weekday: int
    first: dt.date
    last: dt.date
    length: dt.timedelta = WEEK

    def period(self, on: dt.date) -> dt.date | None:
        """The first day of the period that holds `on`; None where it is not complete."""
        start = week_of(on, self.weekday) if self.daily else on
        return start if self.first <= start and start + self.length - DAY <= self.last else None


def week_of(on: dt.date, weekday: int = MONDAY) -> dt.date:
    """The day on which the week of `on` starts."""
    return on - dt.timedelta(days=(on.weekday() - weekday) % 7)


def usual_gap(dates: Sequence[dt.date]) -> dt.timedelta:
    """How far sorted dates are apart, as a rule; a week where there are fewer than two."""
    gaps = [(after - before).days for before, after in pairwise(dates)]
    return dt.timedelta(days=int(median(gaps))) if gaps else WEEK


def calendar(
    spent_on: Iterable[dt.date],
    totals_on: Iterable[dt.date] = (),
    until: dt.date = dt.date.max,
) -> Calendar:
    """One calendar for rows of channels and totals: the weeks of whichever is weekly.

    Needs at least one date of a channel's row. Nothing counts that ends after `until`.
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


def sum_by_period(amounts: Iterable[tuple[dt.date, float]], by: Calendar) -> dict[dt.date, float]:
    """Amounts by period, in order of date."""
    found: dict[dt.date, float] = {}
    for on, amount in sorted(amounts):
        period = by.period(on)
        if period is not None:
            found[period] = found.get(period, 0.0) + amount
    return found


def max_by_period(flags: Mapping[dt.date, float], by: Calendar) -> dict[dt.date, float]:
    """A calendar flag by period: its strongest day counts."""
    found: dict[dt.date, float] = {}
    for on, value in sorted(flags.items()):
        period = by.period(on)
        if period is not None:
            found[period] = max(found.get(period, value), value)
    return found
