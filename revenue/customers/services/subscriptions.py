"""Recording and changing subscriptions.

Each function locks the customer's row, stores the change, and calls the hooks that bring the MRR
ledger up to date, in one transaction.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from aethercrown.currencies import CODES
from revenue.customers import data_hooks
from revenue.customers.billing_interval import MONTHS, monthly, rounded
from revenue.customers.models import Customer, Subscription
from revenue.customers.services.customers import InvalidEntry, lock_customer

MAX_AMOUNT = Decimal(1_000_000_000)


@transaction.atomic
def record_subscription(
    customer_id: int,
    *,
    external_id: str,
    amount: Decimal,
    currency: str,
    started_on: date,
    now: datetime,
    every: str = "month",
    plan: str = "",
    note: str = "",
) -> Subscription:
    """Store a new subscription at `amount` a week, month, quarter or year (`every`)."""
    customer = lock_customer(customer_id)
    _check_currency(customer, currency)
    _check_not_future("started_on", started_on, now)
    if every not in MONTHS:
        raise InvalidEntry("every", f"{every!r} is not one of {', '.join(MONTHS)}.")
    if not external_id or Subscription.objects.filter(external_id=external_id).exists():
        raise InvalidEntry("external_id", f"A subscription {external_id!r} cannot be added again.")
    subscription = Subscription.objects.create(
        external_id=external_id,
        customer=customer,
        plan=plan,
        amount=monthly(_checked_amount(amount), every),
        currency=currency,
        started_on=started_on,
    )
    columns = {"on": started_on, "amount": subscription.amount, "note": note}
    return _record_change(subscription, now, "recorded", columns)


@transaction.atomic
def change(
    subscription_id: int,
    *,
    amount: Decimal,
    on: date,
    now: datetime,
    plan: str | None = None,
    note: str = "",
) -> Subscription:
    """From `on`, the subscription brings another amount a month; `plan` None keeps its plan."""
    subscription = _lock_active(subscription_id, "on", on, now)
    columns = {"on": on, "amount": rounded(_checked_amount(amount)), "plan": plan, "note": note}
    return _record_change(subscription, now, "changed", columns)


@transaction.atomic
def end(subscription_id: int, *, on: date, now: datetime, note: str = "") -> Subscription:
    """End the subscription; `on` is its first day without charge. It cannot start again."""
    subscription = _lock_active(subscription_id, "ended_on", on, now)
    last = subscription.changes.latest("on", "pk")
    if on < last.on:
        raise InvalidEntry(
            "ended_on", f"{on} is before the last change, on {last.on}; adjust that."
        )
    columns = {"on": on, "amount": Decimal(0), "is_end": True, "note": note}
    return _record_change(subscription, now, "ended", columns)


@transaction.atomic
def adjust(
    subscription_id: int,
    *,
    on: date,
    amount: Decimal,
    now: datetime,
    note: str,
    plan: str | None = None,
) -> Subscription:
    """Correct what was recorded for the day `on` to `amount` a month.

    The wrong change and its movements stay; a further change replaces it, and the ledger gets
    rows for the difference. An amount above zero cancels an end.
    """
    subscription = _lock_subscription(subscription_id)
    wrong = subscription.changes.filter(on=on).last()
    if wrong is None:
        raise InvalidEntry("on", f"Nothing was recorded for {on}.")
    if not note:
        raise InvalidEntry("note", "An adjustment needs its reason.")
    right = rounded(_checked_amount(amount))
    plan = wrong.plan if plan is None else plan
    columns = {"on": on, "amount": right, "plan": plan, "note": note}
    columns["is_end"] = wrong.is_end and not right
    return _record_change(subscription, now, "adjusted", columns)


def _record_change(
    subscription: Subscription, now: datetime, cause: str, columns: dict[str, Any]
) -> Subscription:
    """Store a change, by default of the present plan; then take over plan, amount and end.

    They are those of the last change by day. The hooks are called.
    """
    if columns.get("plan") is None:
        columns["plan"] = subscription.plan
    subscription.changes.create(recorded_at=now, **columns)
    last = subscription.changes.latest("on", "pk")
    subscription.plan, subscription.amount = last.plan, last.amount
    subscription.ended_on = last.on if last.is_end else None
    subscription.save(update_fields=["plan", "amount", "ended_on"])
    data_hooks.subscriptions_changed([subscription.customer_id], now=now, cause=cause)
    return subscription


def _lock_subscription(subscription_id: int) -> Subscription:
    """Lock the customer's row, then read the subscription."""
    owner = Subscription.objects.values_list("customer_id", flat=True).get(pk=subscription_id)
    lock_customer(owner)
    return Subscription.objects.select_related("customer").get(pk=subscription_id)


def _lock_active(subscription_id: int, field: str, on: date, now: datetime) -> Subscription:
    subscription = _lock_subscription(subscription_id)
    _check_not_future(field, on, now)
    if subscription.ended_on is not None:
        raise InvalidEntry(field, f"{subscription} ended on {subscription.ended_on}.")
    if on < subscription.started_on:
        raise InvalidEntry(field, f"{on} is before the start, {subscription.started_on}.")
    return subscription


def _check_currency(customer: Customer, currency: str) -> None:
    if currency not in CODES:
        raise InvalidEntry("currency", f"{currency!r} is not an ISO 4217 code such as USD.")
    if currency != customer.currency:
        raise InvalidEntry(
            "currency", f"{customer} pays in {customer.currency}, not in {currency}."
        )


def _check_not_future(field: str, day: date, now: datetime) -> None:
    today = timezone.localdate(now)
    if day > today:
        raise InvalidEntry(field, f"{day} is after today, {today}; record it on its day.")


def _checked_amount(amount: Decimal) -> Decimal:
    if not (amount.is_finite() and 0 <= amount <= MAX_AMOUNT):
        raise InvalidEntry("amount", f"must be 0 to {MAX_AMOUNT}, not {amount}.")
    return amount
