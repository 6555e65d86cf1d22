"""The question that stored rows ask: which mode fits them, by week, with the channels' limits."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from marketing.budget.model import weeks
from marketing.budget.model.weeks import Calendar
from marketing.budget.planner.request import LiftTest, Limit, Question, Row

CENT = Decimal("0.01")
RECENT = 4  # periods whose mean a held channel keeps where nothing is in force


class TooLittleKnown(Exception):
    """There is no revenue to learn from; the message says what is missing."""


class Spent(NamedTuple):
    """One channel on one date."""

    channel: str
    date: dt.date
    spend: Decimal
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What staff set for one channel, in money a week."""

    name: str
    is_held: bool = False
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    incrementality: float = 1.0
    platform_roi: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """All that is stored about active channels in one currency."""

    channels: Sequence[Bounds]
    spent: Sequence[Spent]
    totals: Sequence[tuple[dt.date, Decimal]] = ()
    flags: Mapping[str, Mapping[dt.date, float]] | None = None
    tests: Sequence[LiftTest] = ()
    until: dt.date = dt.date.max  # the last day that is over


def question(
    known: Known,
    total: Decimal,
    currency: str,
    *,
    present: Mapping[str, Decimal],
    step_percent: Decimal | None,
) -> Question:
    """What to ask the planner for the period after the newest row.

    By channel where each channel's revenue is known; else from the company's total. Raises
    TooLittleKnown where neither is.
    """
    aggregate = only_totals(known, currency)
    totals = known.totals if aggregate else ()
    by = weeks.calendar((each.date for each in known.spent), (on for on, _ in totals), known.until)
    rows = periods(known.spent, by, keep_silent=aggregate)
    if not rows:
        raise TooLittleKnown("The rows do not make up one complete period yet.")
    seen = {row.channel for row in rows}
    listed = [each for each in known.channels if not aggregate or each.name in seen]
    own = [each for each in known.channels if each.name in seen]
    asked = Question(
        total=total,
        rows=rows,
        currency=currency,
        constraints=limits(listed, rows, present),
        min_allocation_percent=Decimal(0),  # staff set floors, channel by channel
        max_change_percent=step_percent,
        present=dict(present) or None,
        starts_on=following(rows, by, known.until),
        incrementality={c.name: c.incrementality for c in own if c.incrementality != 1},
        lift_tests=tuple(test for test in known.tests if test.channel in seen),
        platform_roi={c.name: c.platform_roi for c in own if c.platform_roi},
    )
    if aggregate:
        totals_by = summed_totals(totals, by)
        return replace(asked, total_revenue=totals_by, controls=controls(known, by))
    return replace(asked, new_channels=tuple(c.name for c in listed if c.name not in seen))


def only_totals(known: Known, currency: str) -> bool:
    """Whether some channel's revenue is not known, but the company's total is."""
    if not known.spent:
        raise TooLittleKnown(f"There are no rows of active channels in {currency}.")
    silent = silent_channels(known.spent)
    if silent and not known.totals:
        names = ", ".join(silent)
        raise TooLittleKnown(
            f"No revenue is known for {names}, and no total revenue in {currency} either."
        )
    return bool(silent)


def silent_channels(spent: Sequence[Spent]) -> list[str]:
    """Channels that spent money and never had a revenue of their own."""
    speaking = {each.channel for each in spent if each.revenue is not None}
    return sorted({each.channel for each in spent if each.spend} - speaking)


def periods(spent: Sequence[Spent], by: Calendar, *, keep_silent: bool) -> tuple[Row, ...]:
    """Rows by period; those without a revenue only where it is not needed."""
    spends: dict[tuple[str, dt.date], float] = {}
    revenues: dict[tuple[str, dt.date], float] = {}
    for each in spent:
        on = by.period(each.date)
        if on is None or (each.revenue is None and not keep_silent):
            continue
        key = (each.channel, on)
        spends[key] = spends.get(key, 0.0) + float(each.spend)
        revenues[key] = revenues.get(key, 0.0) + float(each.revenue or 0)
    return tuple(
        Row(channel, spend, None if keep_silent else revenues[channel, on], on)
        for (channel, on), spend in sorted(spends.items())
    )


def following(rows: Sequence[Row], by: Calendar, until: dt.date) -> dt.date:
    """The first day of the period after the last one, or of the next if that has begun."""
    start = max(row.date for row in rows if row.date is not None) + by.length
    has_begun = start <= until and until - start < by.length
    return start + by.length if has_begun else start


def limits(
    channels: Sequence[Bounds], rows: Sequence[Row], present: Mapping[str, Decimal]
) -> dict[str, Limit]:
    """Floors and ceilings; a held channel keeps what it has."""
    found = {}
    for each in channels:
        if each.is_held:
            amount = present.get(each.name, recent(rows, each.name))
            found[each.name] = Limit(amount, amount)
        elif each.floor is not None or each.ceiling is not None:
            found[each.name] = Limit(each.floor, each.ceiling)
    return found


def recent(rows: Sequence[Row], channel: str) -> Decimal:
    """Mean spend of a channel's last periods, to the cent; 0 for one without rows."""
    own = [Decimal(repr(row.spend)) for row in rows if row.channel == channel][-RECENT:]
    mean = sum(own, Decimal(0)) / max(len(own), 1)
    return mean.quantize(CENT, ROUND_HALF_EVEN)


def summed_totals(
    totals: Sequence[tuple[dt.date, Decimal]], by: Calendar
) -> tuple[tuple[dt.date, float], ...]:
    return tuple(weeks.summed(((on, float(amount)) for on, amount in totals), by).items())


def controls(known: Known, by: Calendar) -> dict[str, dict[dt.date, float]]:
    """Calendar flags by period; those that never fall into one are left out."""
    found = {name: weeks.highest(days, by) for name, days in (known.flags or {}).items()}
    return {name: days for name, days in found.items() if any(days.values())}
