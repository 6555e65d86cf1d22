"""Importing customers, subscriptions and payments from CSV files."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError
from django.db.models import Manager
from django.utils import timezone

from aethercrown.csv.importing import ImportCounts, Importer, ImportOptions
from aethercrown.csv.reader import CSVRow, RowError
from aethercrown.history import tracking
from aethercrown.history.attribution import acting, current_actor
from operations.messaging import reports as messaging
from revenue.customers import data_hooks, imports
from revenue.customers.imports import SubscriptionRow
from revenue.customers.models import Customer, Payment, Subscription, SubscriptionChange
from revenue.customers.plan_terms import SubscriptionState, expanded, mrr_on, on_day
from revenue.customers.services import contacts
from revenue.customers.services import undo_imports as undo
from revenue.customers.services.customers import closed_reason

BATCH = 500
STORED = "is stored already"
CONTACT = ("role", "locale", "time_zone")
PROFILE = tuple(column.name for column in imports.PROFILE)


def import_day(options: ImportOptions) -> date:
    return options.today or timezone.localdate()


def by_external_id(external_ids: Iterable[str]) -> dict[str, Customer]:
    return Customer.objects.in_bulk(list(set(external_ids)), field_name="external_id")


def _stored_ids(rows: Manager[Any], external_ids: Sequence[str]) -> set[str]:
    return set(rows.filter(external_id__in=external_ids).values_list("external_id", flat=True))


def owner_faults(
    row: int, external_id: str, known: dict[str, Customer], currency: str = ""
) -> Iterator[RowError]:
    """Why a row cannot be added to its customer; the currency is checked where it is given."""
    owner = known.get(external_id)
    if owner is None:
        yield RowError(row, "customer", f"there is no customer {external_id}")
    elif reason := closed_reason(owner):
        yield RowError(row, "customer", f"{external_id} {reason}")
    elif currency and owner.currency != currency:
        reason = f"{external_id} pays in {owner.currency}, not in {currency}"
        yield RowError(row, "currency", reason)


def customer_faults(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    known = by_external_id(values["external_id"] for _, values in batch)
    subscriptions = Subscription.objects.filter(customer__in=known.values())
    paying = set(subscriptions.values_list("customer_id", flat=True))
    faults = []
    for row, values in batch:
        stored = known.get(values["external_id"])
        if stored is None:
            continue
        if not options.update:
            reason = f"{stored.external_id} {STORED}; import with update to replace it"
            faults.append(RowError(row, "external_id", reason))
        elif reason := closed_reason(stored):
            faults.append(RowError(row, "external_id", f"{stored.external_id} {reason}"))
        elif stored.pk in paying and stored.currency != values["currency"]:
            reason = f"{stored.external_id} pays in {stored.currency}, this row is in "
            faults.append(RowError(row, "currency", reason + values["currency"]))
    return faults


def save_customers(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    """Store new customers; update stored ones in the fields that the file has."""
    known = by_external_id(values["external_id"] for _, values in batch)
    fresh, updated = [], []
    for _, values in batch:
        given = {name: values[name] for name in PROFILE if values[name] is not None}
        stored = known.get(values["external_id"])
        if stored is None:
            external_id = values["external_id"]
            made = {"name": external_id, **given, "external_id": external_id}
            fresh.append(Customer(**made, data_import_id=options.import_id))
            continue
        updated.append((stored, given))
    Customer.objects.bulk_create(fresh, batch_size=BATCH)
    actor = current_actor()
    with acting(actor.actor, undo.reason_of(options.import_id) or actor.reason, actor.address):
        _update_customers(updated)
    return ImportCounts(len(fresh), len(updated))


def _update_customers(updated: Sequence[tuple[Customer, dict[str, Any]]]) -> None:
    """Store the values that differ, with their history."""
    changed = {
        row.pk: row
        for row, given in updated
        if any(getattr(row, name) != value for name, value in given.items())
    }
    tracking.begin(Customer, changed.values())
    for row, given in updated:
        for name, value in given.items():
            setattr(row, name, value)
    Customer.objects.bulk_update(changed.values(), PROFILE, batch_size=BATCH)
    tracking.keep(Customer, changed.values())


def subscription_faults(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    subscriptions = [imports.from_subscription_record(record) for record in batch]
    known = by_external_id(each.customer for each in subscriptions)
    faults = list(subscription_row_faults(subscriptions, import_day(options)))
    for each in subscriptions:
        faults.extend(owner_faults(each.row, each.customer, known, each.currency))
    return faults


def subscription_row_faults(
    subscriptions: Sequence[SubscriptionRow], today: date
) -> Iterator[RowError]:
    stored = _stored_ids(Subscription.objects, [each.external_id for each in subscriptions])
    for each in subscriptions:
        yield from imports.row_faults(each, today)
        if each.external_id in stored:
            reason = f"{each.external_id} {STORED}; change or adjust it in the admin"
            yield RowError(each.row, "subscription", reason)


def save_subscriptions(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    rows = [imports.from_subscription_record(record) for record in batch]
    return save_rows(rows, options.import_id)


def save_rows(
    subscriptions: Sequence[SubscriptionRow], import_id: int | None = None
) -> ImportCounts:
    """Store subscriptions with their changes in bulk, under a lock on their customers."""
    now = timezone.now()
    names = {each.customer for each in subscriptions}
    owners = _lock_owners(names)
    today = timezone.localdate(now)
    rows = [_subscription(each, owners[each.customer], today, import_id) for each in subscriptions]
    Subscription.objects.bulk_create(rows, batch_size=BATCH)
    changes = []
    for row, each in zip(rows, subscriptions, strict=True):
        start = {
            **_agreed(each),
            "trial_until": each.trial_until,
            "subscription": row,
            "note": undo.IMPORTED,
            "recorded_at": now,
        }
        changes.append(SubscriptionChange(**start, on=each.started_on, amount=each.terms.mrr))
        if each.ended_on:
            ended = {**start, "state": SubscriptionState.ENDED, "is_end": True}
            changes.append(SubscriptionChange(**ended, on=each.ended_on))
    SubscriptionChange.objects.bulk_create(changes, batch_size=BATCH)
    keys = [each.pk for each in owners.values()]
    data_hooks.subscriptions_changed(keys, now=now, cause="imported", history=True)
    return ImportCounts(len(rows))


def _lock_owners(names: Collection[str]) -> dict[str, Customer]:
    """Lock the customers; IntegrityError where one was merged or erased since the check."""
    rows = Customer.objects.select_for_update().filter(external_id__in=names).order_by("pk")
    found = {each.external_id: each for each in rows if not closed_reason(each)}
    if len(found) < len(set(names)):
        raise IntegrityError("A customer was merged or erased meanwhile.")
    return found


def _agreed(row: SubscriptionRow) -> dict[str, Any]:
    names = ("plan", "state", "basis", "price", "interval", "quantity")
    return {name: getattr(row.terms, name) for name in names}


def _subscription(
    row: SubscriptionRow, owner: Customer, today: date, import_id: int | None
) -> Subscription:
    return Subscription(
        **{**_agreed(row), **_present(row, today)},
        external_id=row.external_id,
        customer=owner,
        data_import_id=import_id,
        currency=row.currency,
        started_on=row.started_on,
        ended_on=row.ended_on,
    )


def _present(row: SubscriptionRow, today: date) -> dict[str, Any]:
    """State, MRR and next step as they are today."""
    if row.ended_on:
        return {"state": SubscriptionState.ENDED}
    steps = expanded([row.terms])
    now = on_day(steps, today)
    return {
        "state": now.state if now else SubscriptionState.FUTURE,
        "amount": mrr_on(steps, today),
        "next_step_on": next((each.on for each in steps if each.on > today), None),
    }


def begins_ahead(record: CSVRow, options: ImportOptions) -> str:
    """What is to be said of a subscription that has not begun."""
    is_ahead = record.values["started_on"] > import_day(options)
    return "with a start to come: in force from that day on" if is_ahead else ""


def wide_faults(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    today = import_day(options)
    subscriptions = [imports.from_wide_record(record, today) for record in batch]
    known = by_external_id(each.customer for each in subscriptions)
    faults = [
        RowError(
            each.row, "external_id", f"{each.customer} {STORED}; import its subscriptions alone"
        )
        for each in subscriptions
        if each.customer in known
    ]
    return [*faults, *subscription_row_faults(subscriptions, today)]


def save_wide(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    today = import_day(options)
    made = save_customers(batch, options)
    rows = [imports.from_wide_record(record, today) for record in batch]
    stored = save_rows(rows, options.import_id)
    return ImportCounts(made.created + stored.created)


def payment_faults(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    today = import_day(options)
    known = by_external_id(values["customer"] for _, values in batch)
    stored = _stored_ids(Payment.objects, [values["payment"] for _, values in batch])
    faults: list[RowError] = []
    for row, values in batch:
        faults.extend(owner_faults(row, values["customer"], known, values["currency"]))
        if values["paid_on"] > today:
            faults.append(RowError(row, "paid_on", f"{values['paid_on']} is after today, {today}"))
        if values["payment"] in stored:
            faults.append(RowError(row, "payment", f"{values['payment']} {STORED}"))
    return faults


def save_payments(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    known = _lock_owners({values["customer"] for _, values in batch})
    rows = [
        Payment(
            external_id=values["payment"],
            customer=known[values["customer"]],
            kind=values["kind"] or Payment.Kind.PAYMENT,
            paid_on=values["paid_on"],
            amount=values["amount"],
            currency=values["currency"],
            data_import_id=options.import_id,
        )
        for _, values in batch
    ]
    Payment.objects.bulk_create(rows, batch_size=BATCH)
    return ImportCounts(len(rows))


def contact_faults(batch: Sequence[CSVRow], _options: ImportOptions) -> list[RowError]:
    known = by_external_id(values["customer"] for _, values in batch)
    return [
        fault for row, values in batch for fault in owner_faults(row, values["customer"], known)
    ]


def save_contacts(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    """Store new contacts; one that is stored stays as it is, and so does what an address said."""
    known = _lock_owners({values["customer"] for _, values in batch})
    created, now = 0, timezone.now()
    said = messaging.address_states([values["email"] for _, values in batch])
    source = undo.consent_source(options.import_id)
    for _, values in batch:
        owner = known[values["customer"]]
        if owner.contacts.filter(email__iexact=values["email"]).exists():
            continue
        given = {name: values[name] for name in CONTACT if values[name] is not None}
        made = contacts.add_contact(
            owner.pk,
            name=values["name"],
            email=values["email"],
            is_active=values["gets_mail"] is not False,
            import_id=options.import_id,
            **given,
        )
        created += 1
        is_new = said[values["email"]]["consent"] == "unknown"
        if values["consent"] is True and is_new:
            contacts.give_consent(made, source=source, now=now)
        elif values["consent"] is False and is_new:
            contacts.withdraw_consent(made, source=source, now=now)
    return ImportCounts(created)


IMPORTERS = (
    Importer(
        "customers",
        "Customers",
        imports.CUSTOMERS,
        ("external_id",),
        customer_faults,
        save_customers,
    ),
    Importer(
        "subscriptions",
        "Subscriptions",
        imports.SUBSCRIPTIONS,
        ("subscription",),
        subscription_faults,
        save_subscriptions,
        begins_ahead,
    ),
    Importer(
        "contacts",
        "Contacts",
        imports.CONTACTS,
        ("customer", "email"),
        contact_faults,
        save_contacts,
    ),
    Importer("payments", "Payments", imports.PAYMENTS, ("payment",), payment_faults, save_payments),
    Importer(
        "customers-wide",
        "Customers with one subscription each, by tenure",
        imports.WIDE,
        ("external_id",),
        wide_faults,
        save_wide,
    ),
)
