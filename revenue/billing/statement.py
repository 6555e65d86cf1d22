"""A month's bill: fees, the month's use, adjustments of closed months, and credit; pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from aethercrown.formatting import month_text
from revenue.billing import fees
from revenue.billing.periods import Aggregation, MeterReadings, Month, situation_of_spans
from revenue.billing.plan_calendar import DaysInForce, PlanCalendar, by_plan
from revenue.billing.unbilled_use import NO_PLAN, ChosenDays
from revenue.customers.plan_terms import PlanTerms, PriceBasis
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_use import (
    ListPriced,
    PlanPeriod,
    PlanUse,
    rate_plan_use,
)
from revenue.pricing.decimals import ONE, ZERO, rounded
from revenue.pricing.price_book.version import BookVersion
from revenue.pricing.rating.rate import PriceLine
from revenue.pricing.rating.usage import ActiveDays


@dataclass(frozen=True, slots=True)
class CustomerUsage:
    """What is stored of a customer; `since` is their first day as a customer.

    `terms` are the rows of each subscription in the order of recording, `chosen` what becomes of
    use on days without a plan.
    """

    since: date | None
    terms: Sequence[Sequence[PlanTerms]]
    readings: Mapping[str, MeterReadings]
    chosen: Sequence[ChosenDays] = ()


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """An invoiced month, the price book it was rated by, and what was billed for it so far.

    Without a `key` nothing was due in the month, between two invoices, when it ended.

    `plan_periods` are those of the invoice: use that was billed by them stays billed where a
    later change leaves its days without a plan.
    """

    key: int | None
    span: Month
    book: BookVersion
    billed: Decimal
    plan_periods: Sequence[PlanPeriod] = ()


@dataclass(frozen=True, slots=True)
class LateAdjustment:
    """A closed month's total by what is known now, and the amount still to bill or to credit."""

    month: ClosedMonth
    total: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class UnbilledUse:
    """Use of a metric on days on which it is not charged, and why."""

    metric: str
    quantity: Decimal
    first: date
    last: date
    reason: str

    @property
    def is_open(self) -> bool:
        """Whether it may be billed or waived by a person."""
        return self.reason == NO_PLAN


@dataclass(frozen=True, slots=True)
class RatedMonth:
    """A month without adjustments and credits."""

    lines: tuple[PriceLine, ...]
    days: tuple[DaysInForce, ...]
    inputs: PricingInputs
    not_given: tuple[str, ...] = ()
    unbilled: tuple[UnbilledUse, ...] = ()

    @property
    def total(self) -> Decimal:
        return sum((each.amount for each in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class Statement:
    """The bill. `rated` is the month's own part, `carried` a credit for the next bill.

    The lines add up to the total, which is never below zero. `used_credit` is what was taken from
    the customer's balance.
    """

    currency: str
    plan_periods: tuple[PlanPeriod, ...]
    situation: PricingInputs
    rated: Decimal
    lines: tuple[PriceLine, ...]
    adjustments: tuple[LateAdjustment, ...]
    used_credit: Decimal
    carried: Decimal
    not_given: tuple[str, ...]
    unbilled: tuple[UnbilledUse, ...] = ()
    overlaps: tuple[DaysInForce, ...] = field(default=())

    @property
    def total(self) -> Decimal:
        return sum((each.amount for each in self.lines), ZERO)


def statement(
    known: CustomerUsage,
    span: Month,
    book: BookVersion,
    closed: Sequence[ClosedMonth] = (),
    *,
    credit: Decimal = ZERO,
    billed_before: Decimal = ZERO,
) -> Statement:
    """Bill a month by a version of the price book; previews and invoices both use this.

    Closed months are rated again by their own versions; each difference is a line here. `credit`
    is the customer's balance, `billed_before` what a merged record was billed for this month.
    Raises InvalidValues and NoSuchPlan.
    """
    calendar = PlanCalendar.of(known.terms, known.chosen)
    own = rate_month(known, calendar, span, book)
    lines = list(own.lines)
    if billed_before:
        lines.append(_line("billed_before", "Billed to the merged record", -billed_before))
    rated = sum((each.amount for each in lines), ZERO)
    adjustments = [each for each in _adjustments(known, calendar, closed) if each.amount]
    for each in adjustments:
        words = f"Adjustment of {month_text(each.month.span.start)}"
        lines.append(_line("adjustment", words, each.amount))
    used, carried = _with_credit(lines, credit, book.digits)
    return Statement(
        book.currency,
        tuple(_plan_periods(own.days)),
        own.inputs,
        rated,
        tuple(lines),
        tuple(adjustments),
        used,
        carried,
        own.not_given,
        own.unbilled,
        tuple(each for each in own.days if each.beside),
    )


def _with_credit(lines: list[PriceLine], credit: Decimal, digits: int) -> tuple[Decimal, Decimal]:
    """Add the line that uses credit, or leaves some; what was used, and what is left."""
    due = sum((each.amount for each in lines), ZERO)
    used = rounded(min(credit, max(due, ZERO)), digits)
    if used:
        lines.append(_line("credit", "Credit from before", -used))
    carried = max(-due, ZERO)
    if carried:
        lines.append(_line("carried", "Credit added to the customer's balance", carried))
    return used, carried


def rate_month(
    known: CustomerUsage, calendar: PlanCalendar, span: Month, book: BookVersion
) -> RatedMonth:
    """The fees of every subscription, and each plan's use of its own days."""
    names = {each.code: each.name for each in book.plans}
    lines = [
        line for rows in known.terms for line in fees.fee_lines(rows, span, names, book.digits)
    ]
    days = calendar.days_in_force(span)
    not_given: dict[str, None] = {}
    charged: list[DaysInForce] = []
    for (plan, is_trial), mine in by_plan(days).items():
        if plan not in names and not any(_listed(mine)):
            continue  # an agreed price is billed also where no price book has the plan
        use = _plan_use(known, calendar, span, mine, plan)
        fee = _fee_of_days(calendar, mine, book.digits) if book.plan(plan).charges else ZERO
        rated = rate_plan_use(book, replace(use, fee=fee, is_trial=is_trial))
        lines += rated.lines
        not_given |= dict.fromkeys(rated.not_given)
        charged += mine if not is_trial else []
    spans = [calendar.held_span(each.start, each.end) for each in sorted(charged, key=_start)]
    inputs = situation_of_spans(known.readings, spans, span, known.since)
    unbilled = tuple(_unbilled(known.readings, days, names))
    return RatedMonth(tuple(lines), tuple(days), inputs, tuple(not_given), unbilled)


def unbilled(
    known: CustomerUsage, billed: Sequence[PlanPeriod], span: Month, book: BookVersion
) -> list[UnbilledUse]:
    """The use of a month that no plan charges, where `billed` periods stay billed."""
    calendar = PlanCalendar.of(known.terms, known.chosen).with_billed(billed)
    names = {each.code for each in book.plans}
    return list(_unbilled(known.readings, calendar.days_in_force(span), names))


def _start(each: DaysInForce) -> date:
    return each.start


def _plan_use(
    known: CustomerUsage,
    calendar: PlanCalendar,
    span: Month,
    days: Sequence[DaysInForce],
    plan: str,
) -> PlanUse:
    """What was used on the days on one plan."""
    spans = [calendar.held_span(each.start, each.end) for each in days]
    flows = frozenset(
        code for code, each in known.readings.items() if each.aggregation is Aggregation.SUM
    )
    return PlanUse(
        plan,
        ActiveDays.of_count(span.start, span.end, sum(each.days for each in days)),
        situation_of_spans(known.readings, spans, span, known.since),
        flows,
        tuple(_listed(days)),
    )


def _listed(days: Iterable[DaysInForce]) -> Iterator[ListPriced]:
    """The days at the list price, by what quantity and a percentage make of it."""
    found: dict[Fraction, int] = {}
    for each in days:
        if each.terms and each.terms.basis is PriceBasis.LIST and each.terms.fee:
            share = each.terms.kept_of_use * each.terms.quantity
            found[share] = found.get(share, 0) + each.days
    for share, count in found.items():
        yield ListPriced(count, share)


def _fee_of_days(calendar: PlanCalendar, days: Iterable[DaysInForce], digits: int) -> Decimal:
    """What the days on a plan cost of the fees, which a commitment counts."""
    total = Fraction(0)
    for rows in calendar.subscriptions:
        runs = list(fees.billing_runs(rows))
        for each in days:
            if each.terms and each.terms.fee and each.terms in rows:
                anchor = next(run.anchor for run in runs if each.terms in run.steps)
                total += fees.fee_of_days(each.terms, each.start, each.end, anchor)
    return fees.in_money(total, digits)


def _unbilled(
    readings: Mapping[str, MeterReadings], days: Iterable[DaysInForce], known: Collection[str]
) -> Iterator[UnbilledUse]:
    """Use of metrics that add up, on days on which no plan charges it."""
    for each in days:
        reason = each.reason
        if not reason:
            if each.terms is None or each.terms.plan in known:
                continue
            reason = "the plan is in no price book"
        for code, reading in readings.items():
            used = {
                on: value
                for on, value in reading.days.items()
                if each.start <= on < each.end and value
            }
            if used and reading.aggregation is Aggregation.SUM:
                total = sum(used.values(), ZERO)
                yield UnbilledUse(code, total, min(used), max(used), reason)


def _plan_periods(days: Iterable[DaysInForce]) -> Iterator[PlanPeriod]:
    """The charged days in order; adjacent ones of one plan are joined."""
    last: PlanPeriod | None = None
    for each in days:
        if each.reason or each.terms is None:
            continue
        if last and last.plan == each.terms.plan and last.active_to == each.start:
            last = PlanPeriod(last.plan, last.active_from, each.end)
            continue
        if last:
            yield last
        last = PlanPeriod(each.terms.plan, each.start, each.end)
    if last:
        yield last


def _adjustments(
    known: CustomerUsage, calendar: PlanCalendar, closed: Iterable[ClosedMonth]
) -> Iterator[LateAdjustment]:
    for month in closed:
        then = calendar.with_billed(month.plan_periods)
        total = rate_month(known, then, month.span, month.book).total
        yield LateAdjustment(month, total, rounded(total - month.billed, month.book.digits))


def _line(kind: str, words: str, amount: Decimal) -> PriceLine:
    return PriceLine(kind, words, ONE, amount, amount)
