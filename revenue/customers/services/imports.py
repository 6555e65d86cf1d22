"""Storing customers, subscriptions, payments and use that come in files."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from aethercrown.csv.importing import Importer, Options, Tally
from aethercrown.csv.reader import Fault, Record
from revenue.billing import reports as billing_reports
from revenue.billing import services as billing
from revenue.customers import imports
from revenue.customers import services as customers
from revenue.customers.imports import Fact, day_faults, long_fact, wide_fact
from revenue.customers.models import Change, Customer, Payment, Subscription
from revenue.mrr.billing_interval import rounded

BATCH = 500
STORED = "is stored already"
PROFILE = tuple(column.name for column in imports.PROFILE)


def _today(options: Options) -> date:
    return options.today or timezone.localdate()


def _known(external_ids: Iterable[str]) -> dict[str, Customer]:
    return Customer.objects.in_bulk(list(set(external_ids)), field_name="external_id")


def _gone(customer: Customer) -> str:
    """Why a customer can take nothing more; nothing where it can."""
    if customer.merged_into_id:
        return f"was merged into customer number {customer.merged_into_id}"
    return f"was erased on {customer.erased_at:%Y-%m-%d}" if customer.erased_at else ""


# --- Customers --------------------------------------------------------------------------------


def customer_clashes(batch: Sequence[Record], options: Options) -> list[Fault]:
    known = _known(values["external_id"] for _, values in batch)
    paying = set(
        Subscription.objects.filter(customer__in=known.values()).values_list(
            "customer_id", flat=True
        )
    )
    faults = []
    for row, values in batch:
        stored = known.get(values["external_id"])
        if stored is None:
            continue
        if not options.update:
            reason = f"{stored.external_id} {STORED}; import with update to replace it"
            faults.append(Fault(row, "external_id", reason))
        elif reason := _gone(stored):
            faults.append(Fault(row, "external_id", f"{stored.external_id} {reason}"))
        elif stored.pk in paying and stored.currency != values["currency"]:
            reason = f"{stored.external_id} pays in {stored.currency}, this row is in "
            faults.append(Fault(row, "currency", reason + values["currency"]))
    return faults


def save_customers(batch: Sequence[Record], options: Options) -> Tally:
    """Store new customers; of stored ones, replace what the file says and leave the rest."""
    known = _known(values["external_id"] for _, values in batch)
    fresh, changed = [], []
    for _, values in batch:
        given = {name: values[name] for name in PROFILE if values[name] is not None}
        stored = known.get(values["external_id"])
        if stored is None:
            fresh.append(Customer(**{"name": values["external_id"], **given, **_key(values)}))
            continue
        for name, value in given.items():
            setattr(stored, name, value)
        changed.append(stored)
    Customer.objects.bulk_create(fresh, batch_size=BATCH)
    Customer.objects.bulk_update(changed, PROFILE, batch_size=BATCH)
    return Tally(len(fresh), len(changed))


def _key(values: dict[str, str]) -> dict[str, str]:
    return {"external_id": values["external_id"]}


# --- Subscriptions ----------------------------------------------------------------------------


def subscription_clashes(batch: Sequence[Record], options: Options) -> list[Fault]:
    facts = [long_fact(record) for record in batch]
    known = _known(fact.customer for fact in facts)
    faults = list(_fact_faults(facts, _today(options)))
    for fact in facts:
        faults.extend(_owner_faults(fact.row, fact.customer, fact.currency, known))
    return faults


def _owner_faults(
    row: int, external_id: str, currency: str, known: dict[str, Customer]
) -> Iterator[Fault]:
    """What stands against adding something to a customer."""
    owner = known.get(external_id)
    if owner is None:
        yield Fault(row, "customer", f"there is no customer {external_id}")
    elif reason := _gone(owner):
        yield Fault(row, "customer", f"{external_id} {reason}")
    elif owner.currency != currency:
        yield Fault(row, "currency", f"{external_id} pays in {owner.currency}, not in {currency}")


def _fact_faults(facts: Sequence[Fact], today: date) -> Iterator[Fault]:
    names = [fact.external_id for fact in facts]
    stored = set(
        Subscription.objects.filter(external_id__in=names).values_list("external_id", flat=True)
    )
    for fact in facts:
        yield from day_faults(fact, today)
        if fact.external_id in stored:
            reason = f"{fact.external_id} {STORED}; change or adjust it in the admin"
            yield Fault(fact.row, "subscription", reason)


def save_subscriptions(batch: Sequence[Record], _options: Options) -> Tally:
    return _save_facts([long_fact(record) for record in batch])


def _save_facts(facts: Sequence[Fact]) -> Tally:
    """Subscriptions with their changes, and the ledger of all their customers, in bulk."""
    now = timezone.now()
    names = {fact.customer for fact in facts}
    held = Customer.objects.select_for_update().filter(external_id__in=names).order_by("pk")
    owners = {each.external_id: each for each in held}
    rows = [
        Subscription(
            external_id=fact.external_id,
            customer=owners[fact.customer],
            plan=fact.plan,
            amount=Decimal(0) if fact.ended_on else fact.amount,
            currency=fact.currency,
            started_on=fact.started_on,
            ended_on=fact.ended_on,
        )
        for fact in facts
    ]
    Subscription.objects.bulk_create(rows, batch_size=BATCH)
    changes = []
    for row, fact in zip(rows, facts, strict=True):
        start = {"subscription": row, "plan": fact.plan, "note": "imported", "recorded_at": now}
        changes.append(Change(**start, on=fact.started_on, amount=fact.amount))
        if fact.ended_on:
            changes.append(Change(**start, on=fact.ended_on, amount=Decimal(0), is_end=True))
    Change.objects.bulk_create(changes, batch_size=BATCH)
    customers.book([each.pk for each in owners.values()], now=now, cause="imported", history=True)
    return Tally(len(rows))


# --- A row a customer, with what they pay and for how long --------------------------------------


def wide_clashes(batch: Sequence[Record], options: Options) -> list[Fault]:
    today = _today(options)
    facts = [wide_fact(record, today) for record in batch]
    known = _known(fact.customer for fact in facts)
    faults = [
        Fault(fact.row, "external_id", f"{fact.customer} {STORED}; import its subscriptions alone")
        for fact in facts
        if fact.customer in known
    ]
    return [*faults, *_fact_faults(facts, today)]


def save_wide(batch: Sequence[Record], options: Options) -> Tally:
    today = _today(options)
    made = save_customers(batch, options)
    stored = _save_facts([wide_fact(record, today) for record in batch])
    return Tally(made.created + stored.created)


# --- Payments ---------------------------------------------------------------------------------


def payment_clashes(batch: Sequence[Record], options: Options) -> list[Fault]:
    today = _today(options)
    known = _known(values["customer"] for _, values in batch)
    names = [values["payment"] for _, values in batch]
    stored = set(
        Payment.objects.filter(external_id__in=names).values_list("external_id", flat=True)
    )
    faults: list[Fault] = []
    for row, values in batch:
        faults.extend(_owner_faults(row, values["customer"], values["currency"], known))
        if values["paid_on"] > today:
            faults.append(Fault(row, "paid_on", f"{values['paid_on']} is after today, {today}"))
        if values["payment"] in stored:
            faults.append(Fault(row, "payment", f"{values['payment']} {STORED}"))
    return faults


def save_payments(batch: Sequence[Record], _options: Options) -> Tally:
    known = _known(values["customer"] for _, values in batch)
    rows = [
        Payment(
            external_id=values["payment"],
            customer=known[values["customer"]],
            kind=values["kind"] or Payment.Kind.PAYMENT,
            paid_on=values["paid_on"],
            amount=values["amount"],
            currency=values["currency"],
        )
        for _, values in batch
    ]
    Payment.objects.bulk_create(rows, batch_size=BATCH)
    return Tally(len(rows))


# --- Use --------------------------------------------------------------------------------------


def use_clashes(batch: Sequence[Record], options: Options) -> list[Fault]:
    """A total that stands is repeated freely, and corrected where the file is to update."""
    today = _today(options)
    known = _known(values["customer"] for _, values in batch)
    meters = billing_reports.meters()
    stand = billing_reports.totals([_place(values, known) for _, values in batch])
    faults: list[Fault] = []
    for row, values in batch:
        owner = known.get(values["customer"])
        if owner is None:
            faults.append(Fault(row, "customer", f"there is no customer {values['customer']}"))
        elif reason := _gone(owner):
            faults.append(Fault(row, "customer", f"{owner.external_id} {reason}"))
        if values["metric"] not in meters:
            there = ", ".join(sorted(meters)) or "none"
            faults.append(Fault(row, "metric", f"is no meter; there are: {there}"))
        if values["day"] > today:
            faults.append(Fault(row, "day", f"{values['day']} is after today, {today}"))
        total = stand.get(_place(values, known))
        if not options.update and total not in {None, rounded(values["quantity"])}:
            reason = f"the day's total is {total:f}; import with update to correct it"
            faults.append(Fault(row, "quantity", reason))
    return faults


def _place(values: dict[str, Any], known: dict[str, Customer]) -> tuple[int, str, date]:
    owner = known.get(values["customer"])
    return (owner.pk if owner else 0, values["metric"], values["day"])


def save_use(batch: Sequence[Record], _options: Options) -> Tally:
    known = _known(values["customer"] for _, values in batch)
    totals = [billing.Total(*_place(values, known), values["quantity"]) for _, values in batch]
    booked = billing.record(totals, now=timezone.now())
    return Tally(booked.fresh, booked.corrected)


IMPORTERS = (
    Importer(
        "customers",
        "Customers",
        imports.CUSTOMERS,
        ("external_id",),
        customer_clashes,
        save_customers,
    ),
    Importer(
        "subscriptions",
        "Subscriptions",
        imports.SUBSCRIPTIONS,
        ("subscription",),
        subscription_clashes,
        save_subscriptions,
    ),
    Importer(
        "billed-use",
        "Use that is billed, by day",
        imports.USE,
        ("customer", "metric", "day"),
        use_clashes,
        save_use,
    ),
    Importer(
        "payments", "Payments", imports.PAYMENTS, ("payment",), payment_clashes, save_payments
    ),
    Importer(
        "customers-wide",
        "Customers with one subscription each, from how long they have paid",
        imports.WIDE,
        ("external_id",),
        wide_clashes,
        save_wide,
    ),
)
