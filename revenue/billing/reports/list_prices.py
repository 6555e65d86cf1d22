"""List prices of plans for a billing interval, and subscriptions that have another one."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from typing import NamedTuple

from aethercrown.currencies import exponent
from revenue.billing.fees import billing_runs, in_money
from revenue.billing.reports.versions import in_force
from revenue.customers.billing_interval import MONTHS, interval_of
from revenue.customers.models import Subscription, SubscriptionChange
from revenue.customers.plan_terms import PriceBasis, expanded, on_day
from revenue.pricing import reports as pricing
from revenue.pricing.models import PriceBookVersion

AT_ONCE = ("week", "month")  # longer intervals are paid ahead, and change at their renewal


def list_price(plan: str, currency: str, interval: str, on: date) -> Decimal | None:
    """The plan's base price for an interval by the version in force on a day; None without one."""
    try:
        version = in_force(currency, on)
    except pricing.NothingPublished:
        return None
    base = {each.code: each.base for each in pricing.book(version).plans}.get(plan)
    if base is None:
        return None
    return in_money(Fraction(base) * MONTHS[interval], exponent(currency))


class PriceMove(NamedTuple):
    """A subscription at the list price, the day from which another one is in force, and it."""

    subscription: int
    on: date
    price: Decimal


def price_moves(today: date) -> Iterator[PriceMove]:
    """Running subscriptions whose list price differs from the price book's.

    The new price applies from the first day of its version or of the list terms; where an interval
    is longer than a month, from the first interval that begins then or later. Customers whose
    data were erased are left out: nothing is added to them, and nothing is billed.
    """
    price_of = cache(partial(list_price, on=today))
    listed = Subscription.objects.filter(basis=PriceBasis.LIST, customer__erased_at=None)
    for row in listed.exclude(state="ended").order_by("pk").iterator():
        price = price_of(row.plan, row.currency, row.interval)
        if price is None or price == row.price:
            continue
        on = _moves_on(row, in_force(row.currency, today), today)
        if on is not None:
            yield PriceMove(row.pk, on, price)


def _moves_on(row: Subscription, version: PriceBookVersion, today: date) -> date | None:
    rows = SubscriptionChange.objects.filter(subscription=row).order_by("on", "pk")
    steps = expanded(each.terms("") for each in rows)
    now = on_day(steps, today)
    if now is None:
        return None
    on = max(version.effective_from, now.on)
    run = next((each for each in billing_runs(steps) if now in each.steps), None)
    if row.interval in AT_ONCE or run is None:
        return on
    start, end = interval_of(max(on, run.anchor), run.anchor, row.interval)
    first = start if start >= on else end
    return first if first <= today else None
