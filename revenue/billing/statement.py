"""A month's bill: what was used, what closed months still owe, and what was carried over; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from revenue.billing.periods import Month, Reading, situation
from revenue.billing.plan_periods import Step, lanes
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.invoice import (
    CalculatedInvoice,
    PlanPeriod,
    additional_plan_fees,
    calculate_invoice,
)
from revenue.pricing.decimals import ONE, ZERO, rounded
from revenue.pricing.price_book.version import BookVersion
from revenue.pricing.rating.rate import PriceLine


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a customer; `since` is the first day as a customer."""

    since: date | None
    steps: Sequence[Step]
    readings: Mapping[str, Reading]


@dataclass(frozen=True, slots=True)
class Closed:
    """A month that was invoiced, the version it was rated by, and what was billed for it so far."""

    key: int
    span: Month
    book: BookVersion
    billed: Decimal


@dataclass(frozen=True, slots=True)
class Late:
    """What a closed month comes to now, and what of it is still to be billed, or given back."""

    key: int
    total: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """The bill; `rated` is the month's own part, `carried` a credit that the next one takes.

    Lines add up to the total, which is never below zero.
    """

    currency: str
    span: Month
    stays: tuple[PlanPeriod, ...]
    situation: PricingInputs
    rated: Decimal
    lines: tuple[PriceLine, ...]
    late: tuple[Late, ...]
    carried: Decimal
    not_given: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        return sum((each.amount for each in self.lines), ZERO)


def statement(
    known: Known,
    span: Month,
    book: BookVersion,
    closed: Sequence[Closed] = (),
    credit: Decimal = ZERO,
) -> Statement:
    """Bill a month by a version of the price book; the one way to a preview and to an invoice.

    Closed months are rated again by their own versions, and what they differ by is a line here.
    Raises Wrong and NoSuchPlan.
    """
    own = _rated(known, span, book)
    late = [each for each in (_late(known, month) for month in closed) if each.amount]
    spans = {each.key: each.span for each in closed}
    lines = [
        *own.lines,
        *(_line("adjustment", f"Adjustment of {_words(spans[e.key])}", e.amount) for e in late),
    ]
    if credit:
        lines.append(_line("credit", "Credit from before", -rounded(credit, book.digits)))
    left = -sum((each.amount for each in lines), ZERO)
    carried = max(left, ZERO)
    if carried:
        lines.append(_line("carried", "Credit carried to the next invoice", carried))
    return Statement(
        book.currency,
        span,
        tuple(each for lane in lanes(known.steps, span) for each in lane),
        situation(known.readings, span, known.since),
        own.total,
        tuple(lines),
        tuple(late),
        carried,
        own.not_given,
    )


def _rated(known: Known, span: Month, book: BookVersion) -> CalculatedInvoice:
    """The month alone; of subscriptions at once, one carries the use, and the others their fee."""
    held = lanes(known.steps, span)
    if not held:
        return CalculatedInvoice(book.currency, span.start, span.end, (), ())
    told = situation(known.readings, span, known.since)
    main = calculate_invoice(book, held[0], told, span.start, span.end)
    more = [
        each
        for lane in held[1:]
        for each in additional_plan_fees(book, lane, told, span.start, span.end)
    ]
    return replace(main, lines=(*main.lines, *more))


def _late(known: Known, month: Closed) -> Late:
    total = _rated(known, month.span, month.book).total
    return Late(month.key, total, rounded(total - month.billed, month.book.digits))


def _line(kind: str, words: str, amount: Decimal) -> PriceLine:
    return PriceLine(kind, words, ONE, amount, amount)


def _words(span: Month) -> str:
    return f"{span.start:%B %Y}"
