"""Take back what an import stored of customers, contacts, subscriptions and payments.

Each raises UndoRefused where something was changed since; then nothing is taken back.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, ManyToOneRel, Sum
from django.utils import timezone

from aethercrown.formatting import counted, money_text
from aethercrown.history import tracking
from operations.imports.registry import UndoRefused
from operations.messaging import services as messaging
from revenue.customers import data_hooks, imports
from revenue.customers.models import (
    Contact,
    Customer,
    Payment,
    Subscription,
    SubscriptionChange,
)
from revenue.customers.services.customers import closed_reason

IMPORTED = "imported"  # the note of the changes that an import records
PROFILE = tuple(column.name for column in imports.PROFILE)


def reason_of(import_id: int | None) -> str:
    """The reason in the history of what an import changed."""
    return f"Import {import_id}" if import_id else ""


def consent_source(import_id: int | None) -> str:
    """How the consent was given that an import recorded."""
    number = f", import {import_id}" if import_id else ""
    return f"Imported with the contact{number}."


def undo_subscriptions(import_id: int) -> list[str]:
    """Delete the subscriptions that an import recorded, and book what that makes of MRR.

    Customers stay. Raises UndoRefused where a subscription changed or a customer was closed since.
    """
    rows = Subscription.objects.filter(data_import=import_id)
    keys = sorted(set(rows.values_list("customer_id", flat=True)))
    owners = Customer.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    if closed := [each for each in owners if closed_reason(each)]:
        raise UndoRefused(f"{closed[0].external_id} {closed_reason(closed[0])}.")
    changes = SubscriptionChange.objects.filter(subscription__in=rows)
    if changed := changes.exclude(note=IMPORTED).select_related("subscription").first():
        raise UndoRefused(f"{changed.subscription.external_id} was changed since.")
    said = f"{counted(rows.count(), 'subscription')} of {counted(len(keys), 'customer')} deleted"
    changes.delete()
    with tracking.silent():  # the import says what was taken back
        rows.delete()
    now = timezone.now()
    data_hooks.subscriptions_changed(keys, now=now, cause="undone", history=True)
    return [f"{said}; the MRR ledger is adjusted on their days.", "The customers stay."]


def undo_customers(import_id: int) -> list[str]:
    """Delete the customers that an import created; those that it changed are as before."""
    created = list(
        Customer.objects.select_for_update().filter(data_import=import_id).order_by("pk")
    )
    _check_unused(created)
    _check_unchanged(Customer, created)
    changes = list(
        Customer.history.filter(history_change_reason=reason_of(import_id)).order_by("pk")
    )
    for change in changes:
        _change_back(change)
    with tracking.silent():  # the import says what was taken back
        Customer.objects.filter(pk__in=[each.pk for each in created]).delete()
    said = [f"{counted(len(created), 'customer')} deleted."]
    return said + (
        [f"{counted(len(changes), 'customer')} as before the import."] if changes else []
    )


def _check_unused(created: Sequence[Customer]) -> None:
    """Nothing refers to these customers."""
    keys = [each.pk for each in created]
    for relation in Customer._meta.get_fields(include_hidden=True):  # noqa: SLF001 - documented
        if not isinstance(relation, ManyToOneRel) or hasattr(relation.related_model, "history_id"):
            continue
        column = relation.field.attname
        rows: Any = relation.related_model._base_manager  # noqa: SLF001 - documented
        used = rows.filter(**{f"{column}__in": keys}).values_list(column, flat=True).first()
        if used is not None:
            name = next(each.external_id for each in created if each.pk == used)
            what = relation.related_model._meta.verbose_name_plural  # noqa: SLF001 - documented
            raise UndoRefused(f"{name} has {what} since.")


def _check_unchanged(model: Any, created: Iterable[Any]) -> None:
    rows = list(created)
    changed = model.history.filter(id__in=[each.pk for each in rows], history_type="~")
    key = changed.values_list("id", flat=True).first()
    if key is not None:
        name = next(str(each) for each in rows if each.pk == key)
        raise UndoRefused(f"{name} was changed since.")


def _change_back(change: Any) -> None:
    """The values before a change that is the newest of its customer."""
    row = Customer.objects.select_for_update().get(pk=change.id)
    if closed := closed_reason(row):
        raise UndoRefused(f"{row.external_id} {closed}.")
    if Customer.history.filter(id=change.id).latest("pk").pk != change.pk:
        raise UndoRefused(f"{row.external_id} was changed since.")
    before = Customer.history.filter(id=change.id, pk__lt=change.pk).latest("pk")
    for name in PROFILE:
        setattr(row, name, getattr(before, name))
    row.save(update_fields=PROFILE)


def undo_contacts(import_id: int) -> list[str]:
    """Delete the contacts that an import created, with the consent that it recorded."""
    found = Contact.objects.select_for_update(of=("self",)).filter(data_import=import_id)
    rows = list(found.order_by("pk"))
    _check_unchanged(Contact, rows)
    now = timezone.now()
    for each in rows:
        messaging.forget_consent(each.email, source=consent_source(import_id), now=now)
        each.delete()
    return [f"{counted(len(rows), 'contact')} deleted, with the consent that came with them."]


def undo_payments(import_id: int) -> list[str]:
    """Delete the payments that an import recorded."""
    rows = Payment.objects.filter(data_import=import_id)
    grouped = rows.order_by("kind", "currency").values_list("kind", "currency")
    said = [
        f"{counted(count, kind)} of {money_text(total, currency)} deleted."
        for kind, currency, count, total in grouped.annotate(Count("pk"), Sum("amount"))
    ]
    rows.delete()
    return said
