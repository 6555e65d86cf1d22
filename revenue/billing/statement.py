"""A month's bill: the month's charges, adjustments of closed months, and credit; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from aethercrown.formatting import month_text
from revenue.billing.periods import MeterReadings, Month, overlapping_periods, situation
from revenue.customers.plan_change import PlanChange
from revenue.pricing.calculation import invoice
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.invoice import CalculatedInvoice, PlanPeriod
from revenue.pricing.decimals import ONE, ZERO, rounded
from revenue.pricing.price_book.version import BookVersion
from revenue.pricing.rating.rate import PriceLine


@dataclass(frozen=True, slots=True)
class CustomerUsage:
    """What is stored of a customer; `since` is their first day as a customer."""

    since: date | None
    changes: Sequence[PlanChange]
    readings: Mapping[str, MeterReadings]


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """An invoiced month, the price book it was rated by, and what was billed for it so far."""

    key: int
    span: Month
    book: BookVersion
    billed: Decimal


@dataclass(frozen=True, slots=True)
class LateAdjustment:
    """A closed month's total by what is known now, and the amount still to bill or to credit."""

    month: ClosedMonth
    total: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """The bill. `rated` is the month's own part, `carried` a credit for the next bill.

    The lines add up to the total, which is never below zero.
    """

    currency: str
    plan_periods: tuple[PlanPeriod, ...]
    situation: PricingInputs
    rated: Decimal
    lines: tuple[PriceLine, ...]
    adjustments: tuple[LateAdjustment, ...]
    carried: Decimal
    not_given: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        return sum((each.amount for each in self.lines), ZERO)


def statement(
    known: CustomerUsage,
    span: Month,
    book: BookVersion,
    closed: Sequence[ClosedMonth] = (),
    credit: Decimal = ZERO,
) -> Statement:
    """Bill a month by a version of the price book; previews and invoices both use this.

    Closed months are rated again by their own versions; each difference is a line here.
    Raises InvalidValues and NoSuchPlan.
    """
    own = _rated(known, span, book)
    adjustments = [each for each in (_adjustment(known, month) for month in closed) if each.amount]
    lines = list(own.lines)
    for each in adjustments:
        words = f"Adjustment of {month_text(each.month.span.start)}"
        lines.append(_line("adjustment", words, each.amount))
    if credit:
        lines.append(_line("credit", "Credit from before", -rounded(credit, book.digits)))
    left = -sum((each.amount for each in lines), ZERO)
    carried = max(left, ZERO)
    if carried:
        lines.append(_line("carried", "Credit carried to the next invoice", carried))
    return Statement(
        book.currency,
        tuple(each for periods in overlapping_periods(known.changes, span) for each in periods),
        situation(known.readings, span, known.since),
        own.total,
        tuple(lines),
        tuple(adjustments),
        carried,
        own.not_given,
    )


def _rated(known: CustomerUsage, span: Month, book: BookVersion) -> CalculatedInvoice:
    """The month alone: of parallel subscriptions one carries the usage, the others their fee."""
    sequences = overlapping_periods(known.changes, span)
    if not sequences:
        return CalculatedInvoice((), ())
    inputs = situation(known.readings, span, known.since)
    main = invoice.calculate_invoice(book, sequences[0], inputs, span.start, span.end)
    more = [
        each
        for sequence in sequences[1:]
        for each in invoice.additional_plan_fees(book, sequence, inputs, span.start, span.end)
    ]
    return replace(main, lines=(*main.lines, *more))


def _adjustment(known: CustomerUsage, month: ClosedMonth) -> LateAdjustment:
    total = _rated(known, month.span, month.book).total
    return LateAdjustment(month, total, rounded(total - month.billed, month.book.digits))


def _line(kind: str, words: str, amount: Decimal) -> PriceLine:
    return PriceLine(kind, words, ONE, amount, amount)
