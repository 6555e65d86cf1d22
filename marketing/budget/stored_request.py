"""Build the planner's request from stored rows: by channel or by total, in weeks, with limits."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from marketing.budget.model import cadence, weeks
from marketing.budget.model.history import RECENT_PERIODS
from marketing.budget.model.weeks import Calendar
from marketing.budget.planner.request import (
    BudgetRequest,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
)
from marketing.budget.planner.rounding import decimal_places


class NotEnoughData(Exception):
    """No revenue is stored to fit curves to; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One channel's limits and factors; money a week."""

    name: str
    is_held: bool = False
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    incrementality: float = 1.0
    platform_roi: float | None = None


class SpendRow(NamedTuple):
    """Spend and revenue of one channel on one date; no revenue where it is not known."""

    channel: str
    date: dt.date
    spend: Decimal
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """Everything stored about the active channels of one currency."""

    channels: Sequence[ChannelSettings]
    spend: Sequence[SpendRow]
    totals: Sequence[tuple[dt.date, Decimal]] = ()
    flags: Mapping[str, Mapping[dt.date, float]] | None = None
    lift_tests: Sequence[LiftTestResult] = ()
    until: dt.date = dt.date.max  # the last day that is over
    reported: Mapping[str, str] = field(default_factory=dict)  # how channels report; see cadence

    def calendar(self, *, aggregate: bool) -> Calendar:
        """The periods of these rows."""
        spent_on = [each.date for each in self.spend]
        if self.reported:
            last = min(self.until, max(spent_on) + weeks.WEEK - weeks.DAY)
            return Calendar(True, min(spent_on).weekday(), min(spent_on), last)  # noqa: FBT003
        return weeks.calendar(spent_on, (on for on, _ in self.totals if aggregate), self.until)

    def in_weeks(self, *, aggregate: bool) -> "StoredHistory":
        """The same rows by week, unless each channel reports by day or all by the same week.

        With `aggregate` totals rarer than weeks are spread too.
        """
        rows = [
            PerformanceRow(
                each.channel,
                float(each.spend),
                None if each.revenue is None else float(each.revenue),
                each.date,
                each.revenue is None and each.spend > 0,
            )
            for each in self.spend
        ]
        given = self.totals if aggregate else ()
        totals = [PerformanceRow(cadence.TOTALS, 0.0, float(money), on) for on, money in given]
        is_rare = cadence.cadence_days(sorted({on for on, _ in given})) > weeks.WEEK.days
        if not (is_rare or cadence.align(rows, weekly=True).reported):
            return self
        found = cadence.align([*rows, *totals], weekly=True)
        stored = [_stored(each) for each in found.rows]
        return replace(
            self,
            spend=[each for each in stored if each.channel],
            totals=[(each.date, each.revenue or Decimal(0)) for each in stored if not each.channel],
            reported={
                name: words
                for name, words in found.reported.items()
                if name or words != cadence.ADDED_UP
            },
        )


def _stored(row: PerformanceRow) -> SpendRow:
    earned = None if row.revenue is None else Decimal(repr(row.revenue))
    return SpendRow(row.channel, row.date or dt.date.max, Decimal(repr(row.spend)), earned)


def build_request(
    known: StoredHistory,
    total: Decimal,
    currency: str,
    *,
    present: Mapping[str, Decimal],
    step_percent: Decimal | None,
) -> BudgetRequest:
    """The planner's request for the period after the newest row.

    By channel where each channel's revenue is known, else from the company's total. Raises
    NotEnoughData where neither is.
    """
    aggregate = needs_totals(known, currency)
    known = known.in_weeks(aggregate=aggregate)
    totals = known.totals if aggregate else ()
    by = known.calendar(aggregate=aggregate)
    rows = rows_by_period(known.spend, by, aggregate=aggregate)
    seen = {row.channel for row in rows}
    listed = [each for each in known.channels if not aggregate or each.name in seen]
    own = [each for each in known.channels if each.name in seen]
    request = BudgetRequest(
        total=total,
        rows=rows,
        currency=currency,
        constraints=spend_limits(listed, rows, present, currency),
        min_allocation_percent=Decimal(0),  # staff set floors, channel by channel
        max_change_percent=step_percent,
        present=_of_listed(present, [each.name for each in listed]),
        starts_on=next_period(rows, by, known.until),
        incrementality={c.name: c.incrementality for c in own if c.incrementality != 1},
        lift_tests=tuple(test for test in known.lift_tests if test.channel in seen),
        platform_roi={c.name: c.platform_roi for c in own if c.platform_roi},
        reported=known.reported,
    )
    if aggregate:
        total_revenue = weeks.by_period(((on, float(amount)) for on, amount in totals), by)
        flags = flags_by_period(known, by)
        return replace(request, total_revenue=tuple(total_revenue.items()), controls=flags)
    return replace(request, new_channels=tuple(c.name for c in listed if c.name not in seen))


def _of_listed(present: Mapping[str, Decimal], names: Sequence[str]) -> dict[str, Decimal] | None:
    """What is in force for the planned channels; the guardrails see what the others had."""
    return {name: present[name] for name in names if name in present} or None


def needs_totals(known: StoredHistory, currency: str) -> bool:
    """Whether a channel that spent never had a revenue; NotEnoughData without totals either."""
    if not known.spend:
        raise NotEnoughData(f"There are no rows of active channels in {currency}.")
    with_revenue = {each.channel for each in known.spend if each.revenue is not None}
    silent = sorted({each.channel for each in known.spend if each.spend} - with_revenue)
    if silent and not known.totals:
        names = ", ".join(silent)
        raise NotEnoughData(
            f"No revenue is known for {names}, and no total revenue in {currency} either."
        )
    return bool(silent)


def rows_by_period(
    spent: Sequence[SpendRow], by: Calendar, *, aggregate: bool
) -> tuple[PerformanceRow, ...]:
    """Rows summed by period; revenue with an unknown part is unknown, and keeps its spend.

    Raises NotEnoughData where no period is complete.

    None has a revenue in `aggregate` mode. Otherwise rows with neither spend nor revenue are
    left out.
    """
    spends: dict[tuple[str, dt.date], float] = {}
    revenues: dict[tuple[str, dt.date], float] = {}
    unknown: set[tuple[str, dt.date]] = set()
    for each in spent:
        on = by.period(each.date)
        if on is None or not (aggregate or each.spend or each.revenue is not None):
            continue
        key = (each.channel, on)
        spends[key] = spends.get(key, 0.0) + float(each.spend)
        revenues[key] = revenues.get(key, 0.0) + float(each.revenue or 0)
        if each.revenue is None and not aggregate:
            unknown.add(key)
    if not spends:
        raise NotEnoughData("The rows do not make up one complete period yet.")
    return tuple(
        PerformanceRow(
            channel,
            spend,
            None if aggregate or (channel, on) in unknown else revenues[channel, on],
            on,
            (channel, on) in unknown,
        )
        for (channel, on), spend in sorted(spends.items())
    )


def next_period(rows: Sequence[PerformanceRow], by: Calendar, until: dt.date) -> dt.date:
    """First day of the period after the last row; of the one after, if that has begun."""
    start = max(row.date for row in rows if row.date is not None) + by.length
    has_begun = start <= until and until - start < by.length
    return start + by.length if has_begun else start


def spend_limits(
    channels: Sequence[ChannelSettings],
    rows: Sequence[PerformanceRow],
    present: Mapping[str, Decimal],
    currency: str,
) -> dict[str, SpendLimit]:
    """Floors and ceilings; a fixed channel keeps its present amount."""
    found = {}
    for each in channels:
        if each.is_held:
            amount = present.get(each.name, recent_mean(rows, each.name, currency))
            found[each.name] = SpendLimit(amount, amount)
        elif each.floor is not None or each.ceiling is not None:
            found[each.name] = SpendLimit(each.floor, each.ceiling)
    return found


def recent_mean(rows: Sequence[PerformanceRow], channel: str, currency: str) -> Decimal:
    """Mean spend of a channel's last periods, in the currency's decimals; 0 without rows."""
    own = [Decimal(repr(row.spend)) for row in rows if row.channel == channel][-RECENT_PERIODS:]
    mean = sum(own, Decimal(0)) / max(len(own), 1)
    return round(mean, decimal_places(currency))


def flags_by_period(known: StoredHistory, by: Calendar) -> dict[str, dict[dt.date, float]]:
    """Calendar flags by period, without flags that fall into none."""
    flags = (known.flags or {}).items()
    found = {name: weeks.by_period(days.items(), by, max) for name, days in flags}
    return {name: days for name, days in found.items() if any(days.values())}
