"""A month's bill beside the customer's MRR, with every difference named; pure.

MRR at the month's end + proration - MRR of other intervals + fees of other intervals + coupon
rounding + use + adjustments + credits = the bill. What remains is unexplained, and an alert.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from revenue.billing import fees
from revenue.billing.periods import Month
from revenue.customers.plan_terms import PlanTerms, expanded, on_day
from revenue.mrr.movements import NetMovement
from revenue.pricing.decimals import ZERO
from revenue.pricing.rating.rate import PriceLine

HALF_UNIT = Decimal("0.5")
ADJUSTMENTS = frozenset({"adjustment", "billed_before"})
CREDITS = frozenset({"credit", "carried"})


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The parts of a bill of one customer and month; they add up to the bill."""

    mrr: Decimal
    proration: Decimal
    other_intervals_mrr: Decimal
    other_intervals_billed: Decimal
    use: Decimal
    adjustments: Decimal
    credits: Decimal
    rounding: Decimal
    billed: Decimal
    tolerance: Decimal

    @property
    def unexplained(self) -> Decimal:
        """What monthly fees differ by from MRR beyond the rounding of their lines."""
        return self.rounding if abs(self.rounding) > self.tolerance else ZERO


@dataclass(frozen=True, slots=True)
class MonthlyMrr:
    """The MRR ledger's word on a month: at its end, and on the average of its days."""

    closing: Decimal
    average: Fraction


def average_mrr(opening: Decimal, movements: Iterable[NetMovement], span: Month) -> MonthlyMrr:
    """From the MRR before the month and the movements in it, in the order of days."""
    total, mrr, day = Fraction(0), Fraction(opening), span.start
    for each in movements:
        total += mrr * (each.on - day).days
        mrr, day = mrr + each.kind.sign * Fraction(each.amount), each.on
    total += mrr * (span.end - day).days
    closing = Decimal(mrr.numerator) / Decimal(mrr.denominator)
    return MonthlyMrr(closing, total / (span.end - span.start).days)


def reconcile(
    ledger: MonthlyMrr,
    terms: Sequence[Sequence[PlanTerms]],
    lines: Sequence[PriceLine],
    span: Month,
    digits: int,
) -> Reconciliation:
    """Compare a bill's lines with MRR by the ledger, which is computed apart from them."""
    others = _average_of_others(terms, span)
    interval_fees = _sum(lines, {fees.INTERVAL_FEE, fees.INTERVAL_COUPON})
    adjustments, credits_ = _sum(lines, ADJUSTMENTS), _sum(lines, CREDITS)
    monthly = _sum(lines, {fees.FEE, fees.COUPON})
    billed = sum((each.amount for each in lines), ZERO)
    average = _decimal(ledger.average)
    count = sum(each.kind in {fees.FEE, fees.COUPON} for each in lines)
    unit = Decimal(1).scaleb(-digits)
    return Reconciliation(
        ledger.closing,
        average - ledger.closing,
        others,
        interval_fees,
        billed - monthly - interval_fees - adjustments - credits_,
        adjustments,
        credits_,
        monthly - (average - others),
        billed,
        unit * HALF_UNIT * max(count, 1) + Decimal("0.00001"),
    )


def _average_of_others(terms: Sequence[Sequence[PlanTerms]], span: Month) -> Decimal:
    """The MRR of subscriptions that are not billed by the month, on the average of the days."""
    total = Fraction(0)
    for rows in terms:
        steps = expanded(rows)
        day = span.start
        while day < span.end:
            step = on_day(steps, day)
            following = min([each.on for each in steps if each.on > day] or [date.max])
            end = min(following, span.end)
            if step is not None and step.interval != "month":
                total += Fraction(step.mrr) * (end - day).days
            day = end
    return _decimal(total / (span.end - span.start).days)


def _decimal(value: Fraction) -> Decimal:
    """To nine decimals."""
    return Decimal(round(value * 10**9)).scaleb(-9)


def _sum(lines: Iterable[PriceLine], kinds: Iterable[str]) -> Decimal:
    wanted = set(kinds)
    return sum((each.amount for each in lines if each.kind in wanted), ZERO)
