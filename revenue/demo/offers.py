"""Larger plans that the demo company's customers accepted or declined; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from revenue.demo.company import PLANS, Agreement, DemoCustomer
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.price_book.default_book import BOOK
from revenue.upsell.opportunities import FoundOpportunity, UsageForecast, find_opportunities

SINCE = timedelta(days=300)  # older offers are left out
DECLINED = (100, 130, 160, 190)  # days ago
REASONS = ("Too expensive this year.", "Will look at it next year.", "Not the right time.")


@dataclass(frozen=True, slots=True)
class OfferOutcome:
    """A larger plan offered to a customer, and the customer's decision; `place` is their index."""

    place: int
    on: date
    found: FoundOpportunity
    inputs: PricingInputs
    is_accepted: bool


def offer_outcomes(customers: list[DemoCustomer], today: date) -> list[OfferOutcome]:
    """Every move to a larger plan in the last months, and some declined offers, by day."""
    accepted = [
        each
        for place, customer in enumerate(customers)
        for each in _accepted(place, customer, today)
    ]
    declined = _declined(customers, today)
    return sorted([*accepted, *declined], key=lambda each: (each.on, each.place))


def _accepted(place: int, customer: DemoCustomer, today: date) -> Iterator[OfferOutcome]:
    for agreements in customer.subscriptions:
        for before, after in pairwise(agreements):
            larger = after.amount and PLANS.index(after.plan) > PLANS.index(before.plan)
            if larger and today - SINCE < after.on < today:
                outcome = _outcome(place, customer, before.plan, after, is_accepted=True)
                if outcome and outcome.found.recommended == after.plan:
                    yield outcome


def _declined(customers: list[DemoCustomer], today: date) -> Iterator[OfferOutcome]:
    """Customers who outgrew their plan long ago and stayed on it."""
    ago = list(DECLINED)
    for place, customer in enumerate(customers):
        agreements = customer.subscriptions[-1]
        if ago and customer.pays and agreements[-1].on <= today - timedelta(days=ago[0]):
            outcome = _outcome(
                place, customer, agreements[-1].plan, agreements[-1], is_accepted=False
            )
            if outcome:
                yield replace(outcome, on=today - timedelta(days=ago.pop(0)))


def _outcome(
    place: int, customer: DemoCustomer, current: str, after: Agreement, *, is_accepted: bool
) -> OfferOutcome | None:
    now = replace(
        customer.situation, usage={metric: Decimal(each) for metric, each in after.usage.items()}
    )
    ahead = UsageForecast(_scaled(now, "0.9"), now, _scaled(now, "1.1"))
    found = find_opportunities(BOOK, current, now, ahead)
    return OfferOutcome(place, after.on, found[0], now, is_accepted) if found else None


def _scaled(now: PricingInputs, factor: str) -> PricingInputs:
    usage = {metric: each * Decimal(factor) for metric, each in now.usage.items()}
    return replace(now, usage=usage)
