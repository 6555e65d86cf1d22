"""The recurring fee of a subscription on a month's invoice; pure.

An interval's fee is billed on the invoice of the month in which the interval begins, by the terms
known at that month's end. A later change is billed, or credited, in its own month for the days
that are left. So an interval costs, in the end, each of its days at the price of that day.
Months are those of the calendar; other intervals are counted from the first day of the terms.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from aethercrown.formatting import counted, date_text, exact_text
from revenue.billing.periods import Month
from revenue.customers.billing_interval import interval_of
from revenue.customers.plan_terms import PlanTerms, SubscriptionState, expanded
from revenue.pricing.decimals import ONE, UNITS, ZERO
from revenue.pricing.rating.rate import PriceLine

FEE, COUPON = "base", "coupon"  # kinds of lines
DAY = timedelta(days=1)
INTERVAL_FEE, INTERVAL_COUPON = "interval_fee", "interval_coupon"  # of other intervals


class IntervalPart(NamedTuple):
    """The days of one billing interval on which one set of terms was active."""

    terms: PlanTerms
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class BillingRun:
    """Active days without a gap, billed by the same interval; `end` is the first day after."""

    anchor: date
    end: date
    steps: Sequence[PlanTerms]


def fee_lines(
    rows: Sequence[PlanTerms], span: Month, names: Mapping[str, str], digits: int
) -> list[PriceLine]:
    """Lines for the intervals that begin in the month, and for changes of earlier ones.

    `rows` are one subscription's terms in the order of recording; `names` the plans' names.
    """
    now = _parts([each for each in rows if each.on < span.end], span.start, span.end)
    before = _parts([each for each in rows if each.on < span.start], span.start, span.start)
    lines: list[PriceLine] = []
    for part in sorted(now.keys() | before.keys(), key=lambda each: (each.start, each.terms.on)):
        lines += _lines(part, before.get(part, 0), now.get(part, 0), names, digits)
    return lines


def _parts(rows: Sequence[PlanTerms], first: date, end: date) -> dict[IntervalPart, int]:
    """Days by part of the intervals that begin before `end` and end after `first`."""
    found: dict[IntervalPart, int] = {}
    for run in billing_runs(expanded(rows)):
        every = run.steps[0].interval
        day = min(max(run.anchor, first), run.end - DAY)
        while day < min(run.end, date.max):
            start, stop = interval_of(day, run.anchor, every)
            if start >= end:
                break
            if stop > first:
                found |= dict(_days(run, start, stop))
            day = stop
    return found


def _days(run: BillingRun, start: date, stop: date) -> Iterator[tuple[IntervalPart, int]]:
    ends = [*(each.on for each in run.steps[1:]), run.end]
    for step, end in zip(run.steps, ends, strict=True):
        days = (min(end, stop) - max(step.on, start)).days
        if days > 0:
            yield IntervalPart(step, start, stop), days


def billing_runs(steps: Sequence[PlanTerms]) -> Iterator[BillingRun]:
    """The runs of expanded terms; a pause, an end or another interval ends a run."""
    mine: list[PlanTerms] = []
    for step, following in pairwise([*steps, None]):
        if step is not None and step.state is SubscriptionState.ACTIVE:
            mine.append(step)
        is_last = following is None or following.state is not SubscriptionState.ACTIVE
        if mine and (is_last or (following and following.interval != mine[0].interval)):
            yield BillingRun(mine[0].on, following.on if following else date.max, tuple(mine))
            mine = []


def exact_fee(terms: PlanTerms, days: int, start: date, end: date) -> Fraction:
    """The fee of some days of an interval, before the coupon."""
    return terms.fee * days / (end - start).days


def in_money(amount: Fraction, digits: int) -> Decimal:
    """Rounded half away from zero to the currency's decimals."""
    scaled = abs(amount) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if amount >= 0 else -whole).scaleb(-digits).quantize(UNITS[digits])


def _change(part: IntervalPart, before: int, now: int, kept: Fraction, digits: int) -> Decimal:
    """What `now` days cost less what `before` days cost, each rounded."""
    cost_now, cost_before = (
        in_money(exact_fee(part.terms, days, part.start, part.end) * kept, digits) if days else ZERO
        for days in (now, before)
    )
    return cost_now - cost_before


def _lines(
    part: IntervalPart, before: int, now: int, names: Mapping[str, str], digits: int
) -> Iterable[PriceLine]:
    """The fee of a part after `now` days less what `before` days cost; and its coupon.

    Both are 0 or more. A part that was billed only ever loses days: terms that begin in the month
    end earlier ones, and can neither move the start of an interval nor remove a step before it.
    """
    if before == now or not part.terms.fee:
        return
    gross = _change(part, before, now, Fraction(1), digits)
    net = _change(part, before, now, part.terms.kept, digits) if part.terms.has_coupon else gross
    kind = FEE if part.terms.interval == "month" else INTERVAL_FEE
    words = _words(part, before, now, names)
    yield PriceLine(kind, words, Decimal(part.terms.quantity), None, gross)
    off = net - gross
    if off:
        title = f"Coupon of {_coupon_in_words(part.terms, digits)}: {words}"
        yield PriceLine(COUPON if kind == FEE else INTERVAL_COUPON, title, ONE, off, off)


def _coupon_in_words(terms: PlanTerms, digits: int) -> str:
    if terms.coupon_amount:
        return f"{in_money(Fraction(terms.coupon_amount), digits)} an interval"
    return f"{exact_text(terms.coupon_percent)}%"


def _words(part: IntervalPart, before: int, now: int, names: Mapping[str, str]) -> str:
    terms = part.terms
    name = names.get(terms.plan) or terms.plan or f"Subscription {terms.subscription}"
    every = "a month" if terms.interval == "month" else _interval_in_words(part)
    whole = (part.end - part.start).days
    if now < before:
        return f"{name}, {every}: {before - now} of {counted(whole, 'day')} not used"
    return f"{name}, {every}" if now == whole else f"{name}, {now} of {counted(whole, 'day')}"


def _interval_in_words(part: IntervalPart) -> str:
    return f"{part.terms.interval.replace('_', ' ')} from {date_text(part.start)}"


def fee_of_days(terms: PlanTerms, start: date, end: date, anchor: date) -> Fraction:
    """What these days cost after the coupon, each by its own interval."""
    total, day = Fraction(0), start
    while day < end:
        first, stop = interval_of(day, anchor, terms.interval)
        days = (min(stop, end) - day).days
        total += exact_fee(terms, days, first, stop) * terms.kept
        day = stop
    return total
