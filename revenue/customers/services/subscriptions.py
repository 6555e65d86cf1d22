"""Recording and changing subscriptions.

Each function locks the customer's row, stores the change, and calls the hooks that bring the MRR
ledger up to date, in one transaction.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from aethercrown.currencies import CODES
from revenue.customers import data_hooks
from revenue.customers.billing_interval import MONTHS, monthly, per_interval, rounded
from revenue.customers.models import (
    Customer,
    ScheduledChange,
    Subscription,
    SubscriptionChange,
)
from revenue.customers.plan_terms import (
    MAX_AMOUNT,
    MAX_FEE,
    MAX_QUANTITY,
    TOO_FAR_AHEAD,
    ZERO,
    PlanTerms,
    PriceBasis,
    SubscriptionState,
    expanded,
    is_too_far_ahead,
    on_day,
)
from revenue.customers.services.customers import InvalidEntry, lock_customer

OPTIONAL = (  # terms that a caller may set beside plan, price and interval
    *("state", "basis", "quantity", "coupon", "coupon_percent", "coupon_amount", "coupon_until"),
    *("trial_until", "price_until", "recorded_by"),
)
KEPT = ("plan", "state", "basis", "price", "interval", "quantity")  # by a change that says nothing
COUPON = ("coupon", "coupon_percent", "coupon_amount", "coupon_until")


@transaction.atomic
def record_subscription(
    customer_id: int,
    *,
    external_id: str,
    amount: Decimal | None,
    currency: str,
    started_on: date,
    now: datetime,
    every: str = "month",
    plan: str = "",
    note: str = "",
    **terms: Any,
) -> Subscription:
    """Store a new subscription at `amount` an interval (`every`) and unit.

    Without an amount it has the list price of its plan, and follows the price book. One that begins
    on a day to come has the state *future* until then, and no MRR. `terms` may hold the names of
    OPTIONAL.
    """
    customer = lock_customer(customer_id)
    _check_currency(customer, currency)
    if is_too_far_ahead(started_on, timezone.localdate(now)):
        raise InvalidEntry("started_on", f"{started_on} {TOO_FAR_AHEAD}.")
    if not external_id or Subscription.objects.filter(external_id=external_id).exists():
        raise InvalidEntry("external_id", f"A subscription {external_id!r} cannot be added again.")
    subscription = Subscription(
        external_id=external_id, customer=customer, currency=currency, started_on=started_on
    )
    columns = {"on": started_on, "plan": plan, "note": note, "interval": every, **terms}
    columns |= _price(subscription, amount, columns)
    _check_terms(columns)
    subscription.amount = _mrr(columns)
    subscription.save()
    return _record_change(subscription, now, "recorded", columns)


@transaction.atomic
def change(
    subscription_id: int,
    *,
    on: date,
    now: datetime,
    amount: Decimal | None = None,
    every: str | None = None,
    plan: str | None = None,
    note: str = "",
    **terms: Any,
) -> Subscription:
    """From `on` other terms are in force; what is not given stays, with a coupon and its end.

    `amount` is a month's, or that of the interval `every` where it is given. Without an amount
    the price stays, unless plan or interval change or `basis` is list: then it is the list price.
    """
    subscription = _lock_active(subscription_id, "on", on, now)
    columns = columns_after(subscription, on, note, (amount, every, plan), terms)
    return _record_change(subscription, now, "changed", columns)


def columns_after(
    subscription: Subscription,
    on: date,
    note: str,
    price: tuple[Decimal | None, str | None, str | None],
    terms: Mapping[str, Any],
) -> dict[str, Any]:
    """The columns of a change on a day, checked; `price` is amount, interval and plan."""
    before = _terms_on(subscription, on)
    columns = {**before, "on": on, "note": note, **terms, **_one_coupon(terms)}
    columns |= _changed(subscription, before, columns, WantedPrice(*price, terms.get("basis")))
    _check_terms(columns)
    return columns


@transaction.atomic
def end(subscription_id: int, *, on: date, now: datetime, note: str = "") -> Subscription:
    """End the subscription; `on` is its first day without charge. It cannot start again."""
    subscription = _lock_active(subscription_id, "ended_on", on, now)
    last = subscription.changes.latest("on", "pk")
    if on < last.on:
        raise InvalidEntry(
            "ended_on", f"{on} is before the last change, on {last.on}; adjust that."
        )
    columns = {**_terms_on(subscription, on), "on": on, "note": note}
    return _record_change(subscription, now, "ended", {**columns, **ENDED})


ENDED = {"state": SubscriptionState.ENDED, "is_end": True, "basis": PriceBasis.NEGOTIATED}


@transaction.atomic
def adjust(
    subscription_id: int,
    *,
    on: date,
    amount: Decimal | None,
    now: datetime,
    note: str,
    plan: str | None = None,
    every: str | None = None,
    **terms: Any,
) -> Subscription:
    """Correct what was recorded for the day `on`; `amount` is as in `change`.

    The wrong change and its movements stay; a further change replaces it, and the ledger gets
    rows for the difference. An amount above zero, or a state, cancels an end.
    """
    subscription = lock_subscription(subscription_id)
    wrong = subscription.changes.filter(on=on).last()
    if wrong is None:
        raise InvalidEntry("on", f"Nothing was recorded for {on}.")
    if not note:
        raise InvalidEntry("note", "An adjustment needs its reason.")
    before = _columns(wrong)
    columns = {**before, "on": on, "note": note, **terms, **_one_coupon(terms)}
    wanted = WantedPrice(amount, every, plan, terms.get("basis"))
    columns |= _changed(subscription, before, columns, wanted)
    state = terms.get("state") or (
        SubscriptionState.ENDED if wrong.is_end and not amount else SubscriptionState.ACTIVE
    )
    if wrong.is_end or "state" in terms:
        columns |= ENDED if state == SubscriptionState.ENDED else {"state": state}
    _check_terms(columns)
    return _record_change(subscription, now, "adjusted", columns)


@transaction.atomic
def restore(
    subscription_id: int, terms: Mapping[str, Any], *, on: date, now: datetime, note: str
) -> Subscription:
    """Put earlier terms, from `saved_terms`, back in force from a day on.

    A trial, a coupon or an override that would have ended until then has ended.
    """
    subscription = _lock_active(subscription_id, "on", on, now)
    columns = {**terms, "price": Decimal(terms["price"])}
    columns["coupon_percent"] = Decimal(terms["coupon_percent"])
    columns["coupon_amount"] = Decimal(terms.get("coupon_amount", 0))
    days = ("coupon_until", "trial_until", "price_until")
    columns |= {name: date.fromisoformat(terms[name]) for name in days if terms.get(name)}
    if terms.get("price_after") is not None:
        columns["price_after"] = Decimal(terms["price_after"])
    row = SubscriptionChange(**columns, on=date.min)
    step = [each for each in expanded([row.terms("")]) if each.on <= on][-1]
    columns |= {**_stepped(step, row.coupon), "on": on, "note": note}
    return _record_change(subscription, now, "changed", columns)


def saved_terms(subscription: Subscription, on: date) -> dict[str, Any]:
    """The terms in force on a day, as plain values for `restore`."""
    plain = {**_terms_on(subscription, on)}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in plain.items()
    }


@transaction.atomic
def take_due_steps(customer_id: int, *, now: datetime) -> int:
    """Bring subscriptions up to date whose trial, coupon or override has ended; how many."""
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    today = timezone.localdate(now)
    due = list(customer.subscriptions.filter(next_step_on__lte=today))
    for each in due:
        _refresh(each, today)
    if due:
        data_hooks.subscriptions_changed([customer_id], now=now, cause="changed")
    return len(due)


class WantedPrice(NamedTuple):
    """What a change says of the price; None: nothing."""

    amount: Decimal | None
    every: str | None
    plan: str | None
    basis: str | None


def _changed(
    subscription: Subscription,
    before: Mapping[str, Any],
    columns: Mapping[str, Any],
    wanted: WantedPrice,
) -> dict[str, Any]:
    """Plan, interval, price and basis after a change."""
    interval = wanted.every or before["interval"]
    _check_interval(interval)
    moved = {
        "plan": before["plan"] if wanted.plan is None else wanted.plan,
        "interval": interval,
    }
    moved |= _kept_coupon(before, columns, interval)
    if wanted.basis == PriceBasis.OVERRIDE and wanted.amount is None:
        raise InvalidEntry("amount", "An override needs its amount.")
    differs = any(moved[name] != before[name] for name in ("plan", "interval"))
    if wanted.amount is None and not differs and wanted.basis != PriceBasis.LIST:
        return moved
    price = wanted.amount
    if price is not None and not wanted.every:
        price = per_interval(_checked_amount(price), interval)
    return moved | _price(subscription, price, {**columns, **moved, "basis": wanted.basis})


def _one_coupon(terms: Mapping[str, Any]) -> dict[str, Any]:
    """A percentage that is given takes the place of an amount, and the other way round."""
    pair = ("coupon_percent", "coupon_amount")
    return {
        other: Decimal(0)
        for name, other in (pair, pair[::-1])
        if terms.get(name) and other not in terms
    }


def _kept_coupon(
    before: Mapping[str, Any], columns: Mapping[str, Any], interval: str
) -> dict[str, Any]:
    """A coupon of an amount that stays is as much a month as before, also in another interval."""
    amount = columns["coupon_amount"]
    if not amount or amount != before["coupon_amount"] or interval == before["interval"]:
        return {}
    return {"coupon_amount": per_interval(monthly(amount, before["interval"]), interval)}


def _price(
    subscription: Subscription, amount: Decimal | None, columns: Mapping[str, Any]
) -> dict[str, Any]:
    """The price of an interval and its basis: an amount that was agreed, or the list price."""
    basis = columns.get("basis")
    _check_interval(columns["interval"])
    if amount is None or basis == PriceBasis.LIST:
        price = _list_price(subscription, columns)
        return {"price": price, "basis": PriceBasis.LIST}
    price = rounded(_checked_amount(amount))
    found = {"price": price, "basis": basis or PriceBasis.NEGOTIATED}
    if basis == PriceBasis.OVERRIDE:
        found |= _after_override(subscription, columns)
    else:
        found |= {"price_until": None, "price_after": None}
    return found


def _after_override(subscription: Subscription, columns: Mapping[str, Any]) -> dict[str, Any]:
    """What is valid after an override: the price before it, or the list price."""
    if subscription.pk is None:
        return {"price_after": _list_price(subscription, columns), "basis_after": PriceBasis.LIST}
    before = _terms_on(subscription, columns["on"])
    if before["basis"] == PriceBasis.OVERRIDE:
        return {"price_after": before["price_after"], "basis_after": before["basis_after"]}
    return {"price_after": before["price"], "basis_after": before["basis"]}


def _list_price(subscription: Subscription, columns: Mapping[str, Any]) -> Decimal:
    found = data_hooks.list_price(
        columns["plan"], subscription.currency, columns["interval"], columns["on"]
    )
    if found is None:
        plan, currency = columns["plan"] or "no plan", subscription.currency
        raise InvalidEntry("amount", f"There is no list price of {plan} in {currency}; give one.")
    return found


def _terms_on(subscription: Subscription, on: date) -> dict[str, Any]:
    """The columns of the terms in force on a day, with what ended by itself until then."""
    rows = list(subscription.changes.order_by("on", "pk"))
    step = on_day(expanded(each.terms("") for each in rows), on)
    row = [each for each in rows if each.on <= on][-1] if step else rows[0]
    columns = _columns(row)
    return columns | _stepped(step, row.coupon) if step else columns


STEPPED = (
    *("state", "basis", "price", "coupon_percent", "coupon_amount", "coupon_until"),
    *("trial_until", "price_until", "price_after"),
)


def _stepped(step: PlanTerms, coupon: str) -> dict[str, Any]:
    """The columns that a step by itself may have changed; `coupon` is the code before it."""
    columns = {name: getattr(step, name) for name in STEPPED}
    return {**columns, "coupon": coupon if step.has_coupon else ""}


def _columns(row: SubscriptionChange) -> dict[str, Any]:
    names = (*KEPT, *COUPON, "trial_until", "price_until", "price_after", "basis_after")
    return {name: getattr(row, name) for name in names}


def _mrr(columns: Mapping[str, Any]) -> Decimal:
    row = SubscriptionChange(**{name: value for name, value in columns.items() if name != "amount"})
    return row.terms("").mrr


def _record_change(
    subscription: Subscription, now: datetime, cause: str, columns: dict[str, Any]
) -> Subscription:
    """Store a change, then take over the terms in force today. The hooks are called."""
    subscription.changes.create(recorded_at=now, **columns, amount=_mrr(columns))
    if columns.get("is_end"):
        _cancel_scheduled(subscription, now)
    _refresh(subscription, timezone.localdate(now))
    data_hooks.subscriptions_changed([subscription.customer_id], now=now, cause=cause)
    return subscription


def _cancel_scheduled(subscription: Subscription, now: datetime) -> None:
    """After an end nothing that was scheduled can be recorded."""
    states = ScheduledChange.State
    waiting = ScheduledChange.objects.filter(
        subscription=subscription, state=states.SCHEDULED.value
    )
    reason = "The subscription ended before."
    waiting.update(state=states.CANCELLED.value, closed_at=now, reason=reason)


def _refresh(subscription: Subscription, today: date) -> None:
    """Store the terms in force today, and when they change by themselves."""
    rows = list(subscription.changes.order_by("on", "pk"))
    steps = expanded(each.terms("") for each in rows)
    now = on_day(steps, max(today, rows[-1].on)) or steps[-1]
    for name in KEPT:
        setattr(subscription, name, getattr(now, name))
    subscription.amount = now.mrr
    subscription.ended_on = rows[-1].on if rows[-1].is_end else None
    following = (each.on for each in steps if each.on > max(today, now.on))
    subscription.next_step_on = next(following, None)
    if steps[0].on > today and subscription.ended_on is None:
        subscription.state, subscription.amount = SubscriptionState.FUTURE, ZERO
        subscription.next_step_on = steps[0].on
    subscription.save(update_fields=[*KEPT, "amount", "ended_on", "next_step_on"])


def lock_subscription(subscription_id: int) -> Subscription:
    """Lock the customer's row, then read the subscription."""
    owner = Subscription.objects.values_list("customer_id", flat=True).get(pk=subscription_id)
    lock_customer(owner)
    return Subscription.objects.select_related("customer").get(pk=subscription_id)


def _lock_active(subscription_id: int, field: str, on: date, now: datetime) -> Subscription:
    subscription = lock_subscription(subscription_id)
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


def _check_interval(every: str) -> None:
    if every not in MONTHS:
        raise InvalidEntry("every", f"{every!r} is not one of {', '.join(MONTHS)}.")


def _checked_amount(amount: Decimal) -> Decimal:
    if not (amount.is_finite() and 0 <= amount <= MAX_AMOUNT):
        raise InvalidEntry("amount", f"must be 0 to {MAX_AMOUNT}, not {amount}.")
    return amount


def _check_terms(columns: Mapping[str, Any]) -> None:
    """Refuse terms out of range. Raises InvalidEntry, which names the field."""
    for field, is_wrong, message in RULES:
        if is_wrong(columns):
            raise InvalidEntry(field, message)


def _ends_before_start(name: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda columns: bool(columns.get(name)) and columns[name] <= columns["on"]


def _has_coupon(columns: Mapping[str, Any]) -> bool:
    return bool(columns.get("coupon_percent") or columns.get("coupon_amount"))


COUPON_IS_OVER = _ends_before_start("coupon_until")
RULES: tuple[tuple[str, Callable[[Mapping[str, Any]], bool], str], ...] = (
    (
        "quantity",
        lambda columns: not 1 <= columns.get("quantity", 1) <= MAX_QUANTITY,
        f"must be 1 to {MAX_QUANTITY:,}.",
    ),
    (
        "coupon_percent",
        lambda columns: not 0 <= columns.get("coupon_percent", 0) <= 100,
        "must be 0 to 100.",
    ),
    (
        "coupon_amount",
        lambda columns: not 0 <= columns.get("coupon_amount", 0) <= MAX_AMOUNT,
        f"must be 0 to {MAX_AMOUNT:,}.",
    ),
    (
        "coupon_amount",
        lambda columns: bool(columns.get("coupon_amount") and columns.get("coupon_percent")),
        "A coupon is a percentage or an amount, not both.",
    ),
    (
        "amount",
        lambda columns: columns["price"] * columns.get("quantity", 1) > MAX_FEE,
        f"The fee of all units must be at most {MAX_FEE:,}.",
    ),
    (
        "state",
        lambda columns: columns.get("state") == SubscriptionState.FUTURE,
        "must be the one that it begins with; before its first day it is future by itself.",
    ),
    (
        "price_until",
        lambda columns: columns["basis"] == PriceBasis.OVERRIDE and not columns.get("price_until"),
        "An override needs the day on which it ends.",
    ),
    (
        "note",
        lambda columns: columns["basis"] == PriceBasis.OVERRIDE and not columns.get("note"),
        "An override needs its reason.",
    ),
    (
        "coupon_until",
        lambda columns: _has_coupon(columns) and COUPON_IS_OVER(columns),
        "must be after the day of the change.",
    ),
    ("trial_until", _ends_before_start("trial_until"), "must be after the day of the change."),
    ("price_until", _ends_before_start("price_until"), "must be after the day of the change."),
)
