"""Moving list-priced subscriptions to the price book's price, and ended steps, each night."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from revenue.billing.reports import list_prices
from revenue.billing.reports.list_prices import PriceMove
from revenue.customers import services as customers
from revenue.customers.models import Customer, Subscription
from revenue.customers.plan_terms import PriceBasis

NOTE = "The list price changed."


def take_due_steps(*, now: datetime) -> int:
    """End trials, coupons and overrides whose day has come; returns how many subscriptions."""
    due = Subscription.objects.filter(next_step_on__lte=timezone.localdate(now))
    owners = due.order_by("customer").values_list("customer", flat=True).distinct()
    return sum(customers.take_due_steps(each, now=now) for each in list(owners))


def follow_price_books(*, now: datetime) -> int:
    """Record the new list price of each list-priced subscription; returns how many moved."""
    moves = list(list_prices.price_moves(timezone.localdate(now)))
    return sum(move_to_list_price(each, now=now) for each in moves)


@transaction.atomic
def move_to_list_price(move: PriceMove, *, now: datetime) -> bool:
    """Record a new list price; False where other terms were agreed since the move was found."""
    owner = Subscription.objects.values_list("customer", flat=True).get(pk=move.subscription)
    customer = Customer.objects.select_for_update().get(pk=owner)  # before the terms are read
    row = Subscription.objects.get(pk=move.subscription)
    if customer.erased_at or row.basis != PriceBasis.LIST or row.ended_on is not None:
        return False
    given: dict[str, Any] = {"on": move.on, "now": now, "note": NOTE, "basis": PriceBasis.LIST}
    if row.changes.filter(on=move.on).exists():
        customers.adjust(row.pk, amount=None, **given)
    else:
        customers.change(row.pk, **given)
    return True
