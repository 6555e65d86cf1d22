"""What was agreed of a subscription from a day on: state, plan, price and interval; pure.

MRR, invoices, simulations and offers all read these terms, so they cannot disagree about a price.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from revenue.customers.billing_interval import MONTHS
from revenue.customers.plan_change import PlanChange

ZERO = Decimal(0)
HUNDRED = 100
MAX_AMOUNT = Decimal(10) ** 9  # of one unit and an interval
MAX_QUANTITY = 1_000_000
MAX_DAYS_AHEAD = 3 * 366  # for which a subscription may be recorded before it begins
MAX_FEE = Decimal(10) ** 12  # of all units and an interval; the MRR of more fits no column


class SubscriptionState(StrEnum):
    """Whether a subscription is in force, and whether its fee and its use are billed."""

    TRIAL = "trial"  # in force without a fee; its use is free unless a charge says otherwise
    FREE = "free"  # in force without a fee or charges
    ACTIVE = "active"  # billed; a price of 0 is a price, as of a pay-as-you-go plan
    PAUSED = "paused"
    ENDED = "ended"
    FUTURE = "future"  # of a subscription before its first day; no terms have it

    @property
    def in_force(self) -> bool:
        return self in {SubscriptionState.TRIAL, SubscriptionState.FREE, SubscriptionState.ACTIVE}


TOO_FAR_AHEAD = "is more than three years ahead"


def is_too_far_ahead(day: date, today: date) -> bool:
    """Whether a subscription cannot be recorded yet that begins on a day."""
    return (day - today).days > MAX_DAYS_AHEAD


class PriceBasis(StrEnum):
    """Where an agreed price comes from."""

    LIST = "list"  # follows the price book
    NEGOTIATED = "negotiated"
    OVERRIDE = "override"  # set by a person with a reason, until a day


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """From the day `on`; `price` is for one unit and one interval, before the coupon.

    A coupon is a percentage, or an amount off the fee of each interval. A trial ends on
    `trial_until`, a coupon on `coupon_until` (None: it has no end), an override on `price_until`:
    each is the first day without it. After an override `price_after` is valid.
    """

    on: date
    subscription: str
    plan: str = ""
    price: Decimal = ZERO
    state: SubscriptionState = SubscriptionState.ACTIVE
    basis: PriceBasis = PriceBasis.NEGOTIATED
    interval: str = "month"
    quantity: int = 1
    coupon_percent: Decimal = ZERO
    coupon_until: date | None = None
    trial_until: date | None = None
    price_until: date | None = None
    price_after: Decimal | None = None
    basis_after: PriceBasis = PriceBasis.LIST
    coupon_amount: Decimal = ZERO

    @property
    def fee(self) -> Fraction:
        """The exact fee of a whole interval, before the coupon; 0 unless active."""
        if self.state is not SubscriptionState.ACTIVE:
            return Fraction(0)
        return Fraction(self.price) * self.quantity

    @property
    def has_coupon(self) -> bool:
        return bool(self.coupon_percent or self.coupon_amount)

    @property
    def kept_of_use(self) -> Fraction:
        """The share that the coupon leaves of what use changes of a list price.

        A coupon of an amount takes nothing of that.
        """
        return 1 - Fraction(self.coupon_percent) / HUNDRED

    @property
    def kept(self) -> Fraction:
        """The share of the fee that the coupon leaves; one of an amount takes at most the fee."""
        if not (self.coupon_amount and self.fee):
            return self.kept_of_use
        return 1 - min(Fraction(self.coupon_amount) / self.fee, Fraction(1))

    @property
    def mrr(self) -> Decimal:
        """The fee after the coupon, a month: rounded half-even to six decimals."""
        exact = self.fee * self.kept / MONTHS[self.interval]
        return Decimal(round(exact * 1_000_000)).scaleb(-6)


def step_after(terms: PlanTerms) -> PlanTerms | None:
    """The terms that follow by themselves: after the trial, the coupon or the override."""
    ends = [terms.coupon_until if terms.has_coupon else None, terms.price_until]
    ends.append(terms.trial_until if terms.state is SubscriptionState.TRIAL else None)
    day = min((each for each in ends if each is not None), default=None)
    if day is None:
        return None
    found = replace(terms, on=day)
    if terms.state is SubscriptionState.TRIAL and terms.trial_until == day:
        found = replace(found, state=SubscriptionState.ACTIVE, trial_until=None)
    if terms.coupon_until == day:
        found = replace(found, coupon_percent=ZERO, coupon_amount=ZERO, coupon_until=None)
    if terms.price_until == day:
        price = terms.price if terms.price_after is None else terms.price_after
        found = replace(found, price=price, basis=terms.basis_after, price_until=None)
    return found


def expanded(rows: Iterable[PlanTerms]) -> list[PlanTerms]:
    """The terms of one subscription by day, with every step that follows by itself.

    Rows come in the order of recording; of several on one day, the last is valid.
    """
    last = {each.on: each for each in sorted(rows, key=lambda each: each.on)}
    stored = [last[day] for day in sorted(last)]
    found: list[PlanTerms] = []
    for each, following in pairwise([*stored, None]):
        end = following.on if following else date.max
        found += _with_steps(each, end) if each else []
    return found


def _with_steps(terms: PlanTerms, end: date) -> Iterator[PlanTerms]:
    following: PlanTerms | None = terms
    while following is not None and following.on < end:
        yield following
        following = step_after(following)


def on_day(steps: Iterable[PlanTerms], day: date) -> PlanTerms | None:
    """The terms in force on a day, of one subscription's expanded terms."""
    found = None
    for each in steps:
        if each.on > day:
            break
        found = each
    return found


def mrr_on(steps: Sequence[PlanTerms], day: date) -> Decimal:
    """The MRR of expanded terms on a day; 0 before they begin."""
    found = on_day(steps, day)
    return found.mrr if found else ZERO


def plan_changes(subscriptions: Iterable[Iterable[PlanTerms]], until: date) -> list[PlanChange]:
    """Each change of a monthly amount up to and including a day, in the order of day."""
    found = [
        PlanChange(step.on, step.subscription, step.mrr, step.plan)
        for rows in subscriptions
        for step in expanded(rows)
        if step.on <= until
    ]
    return sorted(found, key=lambda each: each.on)
