"""Locking, merging and erasing customers."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import available_timezones

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import CharField, Model, QuerySet, Value
from django.db.models.functions import Cast, Concat

from aethercrown.formatting import date_text
from aethercrown.history import tracking
from aethercrown.text import folded
from revenue.customers import data_hooks, reports
from revenue.customers.models import (
    Customer,
    ScheduledChange,
    Subscription,
    SubscriptionChange,
)
from revenue.customers.reports import ClientRecord

BATCH = 500


class InvalidEntry(ValueError):
    """The entry cannot be stored; `field` names the value that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def lock_customer(customer_id: int) -> Customer:
    """Lock the customer's row until the transaction ends. Raises InvalidEntry if it is closed."""
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    if reason := closed_reason(customer):
        raise InvalidEntry("customer", f"{customer} {reason}.")
    return customer


@transaction.atomic
def find_or_create(
    name: str, *, currency: str, zone: str = "UTC", now: datetime
) -> tuple[Customer, bool]:
    """The customer of this name, and whether it is new; capitals and spaces make no difference.

    A new one gets the folded name as its external id, with a suffix where another has that id.
    """
    key = re.sub(r"[^\w]+", "-", folded(name)).strip("-")[:80] or "customer"
    rows = Customer.objects.select_for_update().filter(merged_into=None, erased_at=None)
    known = [each for each in rows.filter(name__iexact=name) if folded(each.name) == folded(name)]
    if not known:
        known = [each for each in rows.filter(external_id=key) if folded(each.name) == folded(name)]
    if known:
        return known[0], False
    if Customer.objects.filter(external_id=key).exists():
        key = f"{key}-{sha256(f'{name}{now.isoformat()}'.encode()).hexdigest()[:8]}"
    zone = zone if zone in available_timezones() else "UTC"
    row = Customer(
        external_id=key, name=" ".join(name.split())[:200], currency=currency, time_zone=zone
    )
    row.save(force_insert=True)
    return row, True


def closed_reason(customer: Customer) -> str:
    """Why nothing can be added to the customer; empty where it can."""
    if customer.merged_into_id:
        return f"was merged into customer number {customer.merged_into_id}"
    return f"was erased on {date_text(customer.erased_at)}" if customer.erased_at else ""


def ensure_clients(client_ids: Collection[str]) -> dict[str, ClientRecord]:
    """The customers of client ids; an unknown one is created, named after its id."""
    known = reports.clients(client_ids)
    if missing := sorted(set(client_ids) - set(known)):
        Customer.objects.bulk_create(
            (Customer(external_id=each, name=each) for each in missing), ignore_conflicts=True
        )
        known |= reports.clients(missing)
        tracking.keep(Customer, Customer.objects.filter(external_id__in=missing))
    return known


@transaction.atomic
def merge(kept_id: int, duplicate_id: int, *, now: datetime) -> Customer:
    """Merge two records of one customer: subscriptions and payments move to the kept one.

    The duplicate's rows in the MRR ledger stay; adjustments make both together show what one
    customer did, so two starts become one and MRR does not change.
    """
    if kept_id == duplicate_id:
        raise InvalidEntry("duplicate", "A customer cannot be merged into itself.")
    # Always locked in the order of their ids, so that two merges cannot deadlock.
    pair = {each: lock_customer(each) for each in sorted((kept_id, duplicate_id))}
    kept, duplicate = pair[kept_id], pair[duplicate_id]
    if kept.currency != duplicate.currency:
        raise InvalidEntry(
            "currency", f"{kept} pays in {kept.currency}, {duplicate} in {duplicate.currency}."
        )
    _move_subscriptions(duplicate, kept)
    duplicate.payments.update(customer=kept)
    for each in duplicate.duplicates.all():
        each.merged_into = kept
        each.save(update_fields=["merged_into"])
    duplicate.merged_into = kept
    duplicate.save(update_fields=["merged_into"])
    for hook in data_hooks.HOOKS:
        if hook.merge:
            hook.merge(kept.pk, duplicate.pk, now)
    data_hooks.subscriptions_changed([kept.pk], now=now, cause="merged")
    return kept


def _move_subscriptions(duplicate: Customer, kept: Customer) -> None:
    """The history of each keeps whose it was."""
    moved = list(duplicate.subscriptions.all())
    tracking.begin(Subscription, moved)
    duplicate.subscriptions.update(customer=kept)
    for each in moved:
        each.customer = kept
    tracking.keep(Subscription, moved)


@transaction.atomic
def erase(customer_id: int, *, now: datetime) -> Customer:
    """Erase what identifies the customer, for good; amounts and days stay, so sums stay too."""
    customer = lock_customer(customer_id)
    for each in [customer, *customer.duplicates.all()]:
        each.external_id = f"erased-{each.pk}"
        each.name = f"Erased customer {each.pk}"
        each.owner, each.time_zone, each.erased_at = "", "UTC", now
        each.save(update_fields=["external_id", "name", "owner", "time_zone", "erased_at"])
        erase_admin_log(Customer.objects.filter(pk=each.pk))
    for rows in (customer.subscriptions.all(), customer.payments.all()):
        rows.update(external_id=Concat(Value("erased-"), Cast("pk", CharField())))
        erase_admin_log(rows)
    changes = SubscriptionChange.objects.filter(subscription__customer=customer)
    changes.filter(basis="override").update(note="Erased.", recorded_by="")
    changes.exclude(basis="override").update(note="", recorded_by="")
    _erase_scheduled(customer, now)
    records = [customer.pk, *customer.duplicates.values_list("pk", flat=True)]
    _erase_history(records)
    for hook in data_hooks.HOOKS:
        if hook.erase:
            hook.erase(records)
    return customer


def _erase_scheduled(customer: Customer, now: datetime) -> None:
    """Cancel what is scheduled of the customer's subscriptions, and blank who and why."""
    rows = ScheduledChange.objects.filter(subscription__customer=customer)
    states = ScheduledChange.State
    rows.filter(state=states.SCHEDULED.value).update(
        state=states.CANCELLED.value, closed_at=now, reason="The customer's data were erased."
    )
    rows.update(note="", scheduled_by="", closed_by="")
    erase_admin_log(rows)


def _erase_history(records: Sequence[int]) -> None:
    """Blank the names in the history of these customers and of their subscriptions."""
    number = Cast("id", CharField())
    external_id = Concat(Value("erased-"), number)
    name = Concat(Value("Erased customer "), number)
    tracking.erase(Customer, records, external_id=external_id, name=name, owner="", time_zone="UTC")
    owned = Subscription.objects.filter(customer__in=records).values_list("pk", flat=True)
    tracking.erase(Subscription, owned, external_id=external_id)


def erase_admin_log(rows: QuerySet[Any]) -> None:
    """Blank the names in the admin's log entries of these rows."""
    erase_admin_log_of(rows.model, rows.values_list("pk", flat=True))


def erase_admin_log_of(model: type[Model], keys: Iterable[int]) -> None:
    """The same by the rows' keys, of rows that are gone too."""
    content_type = ContentType.objects.get_for_model(model)
    named = [str(key) for key in keys]
    for start in range(0, len(named), BATCH):
        entries = LogEntry.objects.filter(
            content_type=content_type, object_id__in=named[start : start + BATCH]
        )
        entries.update(object_repr="Erased", change_message="")
