"""Writing customers' subscriptions and the ledger of MRR: one fact, one transaction, one lock.

Every service that changes what a customer pays holds the customer's row, records the fact, and
books what the ledger then lacks. A fact of a month gone by counts today and says when it was.
"""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from aethercrown.currencies import CODES
from revenue.customers import personal_data, reports
from revenue.customers.models import Change, Customer, Movement, Payment, Subscription
from revenue.mrr.billing_interval import MONTHS, month_of, monthly, rounded
from revenue.mrr.movements import missing

BATCH = 500
LARGEST = Decimal(1_000_000_000)


class Refused(ValueError):
    """What was asked cannot be; `field` names the part that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


# --- Subscriptions ----------------------------------------------------------------------------


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
    """A customer subscribes: `amount` `every` week, month, quarter or year."""
    customer = held(customer_id)
    _check_currency(customer, currency)
    _check_day("started_on", started_on, now)
    if every not in MONTHS:
        raise Refused("every", f"{every!r} is not one of {', '.join(MONTHS)}.")
    if not external_id or Subscription.objects.filter(external_id=external_id).exists():
        raise Refused("external_id", f"A subscription {external_id!r} cannot be added again.")
    subscription = Subscription.objects.create(
        external_id=external_id,
        customer=customer,
        plan=plan,
        amount=monthly(_checked(amount), every),
        currency=currency,
        started_on=started_on,
    )
    _record(subscription, started_on, subscription.amount, now, note=note)
    book([customer.pk], now=now, cause="recorded")
    return subscription


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
    """From `on`, the subscription brings another amount a month, maybe under another plan."""
    subscription = _running(subscription_id, "on", on, now)
    plan = subscription.plan if plan is None else plan
    _record(subscription, on, rounded(_checked(amount)), now, plan=plan, note=note)
    return _settled(subscription, now, "changed")


@transaction.atomic
def end(subscription_id: int, *, on: date, now: datetime, note: str = "") -> Subscription:
    """From `on`, the subscription brings nothing; a customer who comes back subscribes anew."""
    subscription = _running(subscription_id, "ended_on", on, now)
    last = subscription.changes.latest("on", "pk")
    if on < last.on:
        raise Refused("ended_on", f"{on} is before the last change, on {last.on}; adjust that.")
    _record(subscription, on, Decimal(0), now, is_end=True, note=note)
    return _settled(subscription, now, "ended")


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
    """What was recorded for the day `on` was wrong: it should have been `amount` a month.

    The wrong change and its movements stay; a further change holds instead of it, and the
    ledger gets rows for the difference. An end is taken back by an amount above zero.
    """
    subscription = _held_subscription(subscription_id)
    wrong = subscription.changes.filter(on=on).last()
    if wrong is None:
        raise Refused("on", f"Nothing was recorded for {on}.")
    if not note:
        raise Refused("note", "An adjustment needs its reason.")
    right = rounded(_checked(amount))
    is_end = wrong.is_end and not right
    plan = wrong.plan if plan is None else plan
    _record(subscription, on, right, now, plan=plan, is_end=is_end, note=note)
    return _settled(subscription, now, "adjusted")


def _record(
    subscription: Subscription,
    on: date,
    amount: Decimal,
    now: datetime,
    *,
    plan: str | None = None,
    is_end: bool = False,
    note: str = "",
) -> None:
    Change.objects.create(
        subscription=subscription,
        on=on,
        plan=subscription.plan if plan is None else plan,
        amount=amount,
        is_end=is_end,
        note=note,
        recorded_at=now,
    )


def _settled(subscription: Subscription, now: datetime, cause: str) -> Subscription:
    """Bring the present state in line with the changes, and the ledger with both."""
    last = subscription.changes.latest("on", "pk")
    subscription.plan, subscription.amount = last.plan, last.amount
    subscription.ended_on = last.on if last.is_end else None
    subscription.save(update_fields=["plan", "amount", "ended_on"])
    book([subscription.customer_id], now=now, cause=cause)
    return subscription


def held(customer_id: int) -> Customer:
    """The customer's row, locked until the transaction ends; only one still in use may change."""
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    if customer.merged_into_id:
        raise Refused("customer", f"{customer} was merged into number {customer.merged_into_id}.")
    if customer.erased_at:
        raise Refused("customer", f"{customer} was erased on {customer.erased_at:%Y-%m-%d}.")
    return customer


def _held_subscription(subscription_id: int) -> Subscription:
    """The subscription as it is once its customer's row is locked."""
    owner = Subscription.objects.values_list("customer_id", flat=True).get(pk=subscription_id)
    held(owner)
    return Subscription.objects.select_related("customer").get(pk=subscription_id)


def _running(subscription_id: int, field: str, on: date, now: datetime) -> Subscription:
    subscription = _held_subscription(subscription_id)
    _check_day(field, on, now)
    if subscription.ended_on is not None:
        raise Refused(field, f"{subscription} ended on {subscription.ended_on}.")
    if on < subscription.started_on:
        raise Refused(field, f"{on} is before the start, {subscription.started_on}.")
    return subscription


def _check_currency(customer: Customer, currency: str) -> None:
    if currency not in CODES:
        raise Refused("currency", f"{currency!r} is not an ISO 4217 code such as USD.")
    if currency != customer.currency:
        raise Refused("currency", f"{customer} pays in {customer.currency}, not in {currency}.")


def _check_day(field: str, day: date, now: datetime) -> None:
    today = timezone.localdate(now)
    if day > today:
        raise Refused(field, f"{day} is after today, {today}; record it on its day.")


def _checked(amount: Decimal) -> Decimal:
    if not (amount.is_finite() and 0 <= amount <= LARGEST):
        raise Refused("amount", f"must be 0 to {LARGEST}, not {amount}.")
    return amount


# --- The ledger -------------------------------------------------------------------------------


def book(
    customer_ids: Collection[int], *, now: datetime, cause: str, history: bool = False
) -> list[Movement]:
    """Book what the ledger of these customers lacks; called inside a transaction that holds them.

    Rows of months that are over count today; `history`, such as an import brings, counts on its
    own days.
    """
    today = timezone.localdate(now)
    opened = date.min if history else month_of(today)
    customers = Customer.objects.in_bulk(customer_ids)
    steps, booked = reports.steps(customer_ids), reports.booked(customer_ids)
    rows = [
        Movement(
            customer=customers[each],
            currency=customers[each].currency,
            on=row.on if row.on >= opened else today,
            effective_on=row.on,
            kind=row.kind,
            amount=row.amount,
            payers=row.payers,
            before=row.before,
            after=row.after,
            cause=cause,
            is_adjustment=row.is_adjustment,
            booked_at=now,
        )
        for each in customer_ids
        for row in missing(steps.get(each, []), booked.get(each, {}))
    ]
    return Movement.objects.bulk_create(rows, batch_size=BATCH)


# --- Customers --------------------------------------------------------------------------------


@transaction.atomic
def merge(kept_id: int, duplicate_id: int, *, now: datetime) -> Customer:
    """Two records were one customer: what the duplicate has goes over to the one that is kept.

    The duplicate's rows of the ledger stay; adjustments make the two together say what one
    customer did, so that two beginnings are one and MRR stays what it was.
    """
    if kept_id == duplicate_id:
        raise Refused("duplicate", "A customer cannot be merged into itself.")
    pair = {each: held(each) for each in sorted((kept_id, duplicate_id))}  # one order: no deadlock
    kept, duplicate = pair[kept_id], pair[duplicate_id]
    if kept.currency != duplicate.currency:
        raise Refused(
            "currency", f"{kept} pays in {kept.currency}, {duplicate} in {duplicate.currency}."
        )
    duplicate.subscriptions.update(customer=kept)
    duplicate.payments.update(customer=kept)
    duplicate.duplicates.update(merged_into=kept)
    duplicate.merged_into = kept
    duplicate.save(update_fields=["merged_into"])
    for each in personal_data.known():
        each.merge(kept.pk, duplicate.pk, now)
    book([kept.pk], now=now, cause="merged")
    return kept


@transaction.atomic
def erase(customer_id: int, *, now: datetime) -> Customer:
    """Take out for ever what tells who the customer is; amounts and days stay, so sums do too."""
    customer = held(customer_id)
    for each in [customer, *customer.duplicates.all()]:
        each.external_id = f"erased-{each.pk}"
        each.name = f"Erased customer {each.pk}"
        each.owner, each.time_zone, each.erased_at = "", "UTC", now
        each.save(update_fields=["external_id", "name", "owner", "time_zone", "erased_at"])
        _forget_history(Customer.objects.filter(pk=each.pk))
    for rows in (customer.subscriptions.all(), customer.payments.all()):
        rows.update(external_id=Concat(Value("erased-"), Cast("pk", CharField())))
        _forget_history(rows)
    Change.objects.filter(subscription__customer=customer).exclude(note="").update(note="")
    records = [customer.pk, *customer.duplicates.values_list("pk", flat=True)]
    for belonging in personal_data.known():
        belonging.erase(records)
    return customer


def _forget_history(rows: QuerySet[Any]) -> None:
    """The admin's history of a row names it; that goes too."""
    kind = ContentType.objects.get_for_model(rows.model)
    keys = [str(key) for key in rows.values_list("pk", flat=True)]
    for start in range(0, len(keys), BATCH):
        entries = LogEntry.objects.filter(
            content_type=kind, object_id__in=keys[start : start + BATCH]
        )
        entries.update(object_repr="Erased", change_message="")


@transaction.atomic
def record_payment(
    customer_id: int,
    *,
    external_id: str,
    amount: Decimal,
    currency: str,
    paid_on: date,
    now: datetime,
    kind: str = Payment.Kind.PAYMENT,
) -> Payment:
    """Money that came in from a customer, or went back."""
    customer = held(customer_id)
    _check_currency(customer, currency)
    _check_day("paid_on", paid_on, now)
    if kind not in Payment.Kind.values:
        raise Refused("kind", f"{kind!r} is not one of {', '.join(Payment.Kind.values)}.")
    try:
        with transaction.atomic():
            return Payment.objects.create(
                external_id=external_id,
                customer=customer,
                kind=kind,
                amount=rounded(_checked(amount)),
                currency=currency,
                paid_on=paid_on,
            )
    except IntegrityError as error:
        reason = f"A payment {external_id!r} is stored already."
        raise Refused("external_id", reason) from error
