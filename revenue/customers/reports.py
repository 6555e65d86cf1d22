"""Reading customers, subscriptions and payments."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from aethercrown.csv.export import Cell, Exporter
from aethercrown.db import bulk
from aethercrown.db.compiled_query import CompiledQuery
from aethercrown.db.fields import AmountField
from aethercrown.formatting import date_text
from aethercrown.references import NamedRows
from aethercrown.search import row_source
from aethercrown.text import path_segment, segment_name
from operations.messaging import reports as messaging
from revenue.customers import data_hooks, plan_terms
from revenue.customers.models import (
    Contact,
    Customer,
    Payment,
    ScheduledChange,
    Subscription,
    SubscriptionChange,
)
from revenue.customers.plan_change import PlanChange
from revenue.customers.plan_terms import PlanTerms, SubscriptionState

BATCH = 2_000
NEWEST_MAIL = 5


class PlanMrr(NamedTuple):
    plan: str
    mrr: Decimal
    subscriptions: int
    customers: int


Terms = dict[int, list[list[PlanTerms]]]  # by customer, the rows of each subscription


def agreed_terms(customer_ids: Collection[int]) -> Terms:
    """The terms of these customers' subscriptions, in the order of day and recording."""
    found: dict[int, dict[int, list[PlanTerms]]] = {}
    rows = SubscriptionChange.objects.filter(subscription__customer__in=customer_ids)
    for row in rows.select_related("subscription").order_by("on", "pk").iterator(BATCH):
        mine = found.setdefault(row.subscription.customer_id, {})
        terms = row.terms(row.subscription.external_id)
        mine.setdefault(row.subscription_id, []).append(terms)
    return {customer: list(mine.values()) for customer, mine in found.items()}


def plan_changes(customer_ids: Collection[int], until: date) -> dict[int, list[PlanChange]]:
    """Every change of these customers' monthly amounts up to a day, in the order of day."""
    every = agreed_terms(customer_ids)
    return {key: plan_terms.plan_changes(rows, until) for key, rows in every.items()}


def mrr_by_plan(currency: str) -> list[PlanMrr]:
    """Each plan's MRR now, the highest first; they add up to the whole MRR."""
    paying = Subscription.objects.filter(currency=currency, amount__gt=0).order_by()
    grouped = paying.values_list("plan").annotate(
        Sum("amount"), Count("pk"), Count("customer", distinct=True)
    )
    found = [PlanMrr(*row) for row in grouped]
    return sorted(found, key=lambda each: (-each.mrr, each.plan))


def current_mrr(currency: str) -> tuple[Decimal, int]:
    """MRR now and the number of paying customers, read from the subscriptions."""
    rows = Subscription.objects.filter(currency=currency, amount__gt=0).order_by()
    found = rows.aggregate(mrr=Sum("amount"), payers=Count("customer", distinct=True))
    return found["mrr"] or Decimal(0), found["payers"]


def paying_totals(currency: str) -> dict[str, Any]:
    """How many rows `paying_customers` has, and the sums of their `running` and `mrr`.

    One whose record was merged into another has no subscription any more.
    """
    paying = Subscription.objects.filter(currency=currency, amount__gt=0).order_by()
    return paying.aggregate(
        count=Count("customer", distinct=True), running_sum=Count("pk"), mrr_sum=Sum("amount")
    )


def customers_in(currency: str) -> QuerySet[Customer]:
    return Customer.objects.filter(currency=currency, merged_into=None)


def paying_customers(currency: str) -> QuerySet[Any]:
    """Customers with MRR, each with `since`, `running` subscriptions and `mrr`."""
    found = customers_in(currency).annotate(
        since=Min("subscriptions__started_on"),
        running=Count("subscriptions", filter=Q(subscriptions__amount__gt=0)),
        mrr=Sum("subscriptions__amount"),
    )
    return found.filter(mrr__gt=0)


def customers_with_mrr(currency: str) -> QuerySet[Any]:
    """Every customer, each with `since`, `running` subscriptions and `mrr`, 0 without one."""
    return customers_in(currency).annotate(
        since=Min("subscriptions__started_on"),
        running=Count("subscriptions", filter=Q(subscriptions__amount__gt=0)),
        mrr=Coalesce(Sum("subscriptions__amount"), Decimal(0), output_field=AmountField()),
    )


def currencies() -> list[str]:
    """The currencies of the customers, by name."""
    rows = Customer.objects.filter(merged_into=None).order_by("currency")
    return list(rows.values_list("currency", flat=True).distinct())


def find(external_id: str) -> Customer | None:
    rows = Customer.objects.select_related("merged_into")
    return rows.filter(external_id=external_id).first()


def find_by_path(segment: str) -> Customer | None:
    """The customer that a part of an address names, as `page_path` writes it."""
    return find(segment) or find(segment_name(segment))


def page_path(external_id: str) -> str:
    """The address of a customer's page."""
    return f"/dashboards/customers/{path_segment(external_id)}"


def owners_of(
    customer_ids: Collection[int], known: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Each of these customers, and each record merged into one, with the customer that it is.

    To read rows by these keys takes an index; by `OR merged_into` the whole table is read. Where
    the owners of more customers are `known`, nothing is read.
    """
    if known is not None:
        wanted = set(customer_ids)
        return {key: owner for key, owner in known.items() if owner in wanted}
    duplicates = Customer.objects.filter(merged_into__in=customer_ids).order_by()
    merged = {key: owner or key for key, owner in duplicates.values_list("pk", "merged_into")}
    return {key: key for key in customer_ids} | merged


def merged_keys(customer_id: int) -> tuple[int, ...]:
    """The row's number and those of the rows merged into it."""
    rows = Customer.objects.filter(Q(pk=customer_id) | Q(merged_into=customer_id))
    return tuple(rows.order_by("pk").values_list("pk", flat=True))


def terms_of(customer_id: int, most: int) -> list[SubscriptionChange]:
    """The terms of a customer's subscriptions, the newest first."""
    rows = SubscriptionChange.objects.filter(subscription__customer=customer_id)
    return list(rows.order_by("-on", "-pk")[:most])


def scheduled_of(customer_id: int, most: int) -> list[ScheduledChange]:
    """What is agreed ahead for a customer's subscriptions, the next first."""
    waiting = ScheduledChange.objects.filter(
        subscription__customer=customer_id, state=ScheduledChange.State.SCHEDULED
    )
    return list(waiting.select_related("subscription").order_by("on", "pk")[:most])


def payments_of(customer_id: int, most: int) -> list[Payment]:
    """A customer's payments and refunds, the newest first."""
    return list(Payment.objects.filter(customer=customer_id)[:most])


class ClientRecord(NamedTuple):
    """The customer of a client_id, and its billing time zone."""

    customer: int
    time_zone: str


def clients(client_ids: Collection[str]) -> dict[str, ClientRecord]:
    """Those client ids that are known; one that was merged is the customer it was merged into.

    That of one id costs little.
    """
    if len(client_ids) == 1:
        found = client_by_id.rows(list(client_ids))
    else:
        found = clients_by_ids.rows(bulk.among(client_ids, str).params)
    return {
        name: ClientRecord(merged or key, merged_zone if merged else zone)
        for name, key, zone, merged, merged_zone in found
    }


def _clients(client_ids: Any) -> "QuerySet[Customer, Any]":
    rows = Customer.objects.filter(external_id__in=client_ids).order_by()
    return rows.values_list(
        "external_id", "pk", "time_zone", "merged_into_id", "merged_into__time_zone"
    )


client_by_id = CompiledQuery(_clients)
clients_by_ids = CompiledQuery(lambda given: _clients(bulk.among_each(given[0], str)))


def time_zones(customer_ids: Collection[int]) -> dict[int, str]:
    """The billing time zones of customers."""
    return dict(Customer.objects.filter(pk__in=customer_ids).values_list("pk", "time_zone"))


def merged_into(customer_ids: Collection[int]) -> dict[int, int]:
    """Those of the customers that were merged into another one, with that one."""
    rows = Customer.objects.filter(pk__in=customer_ids).values_list("pk", "merged_into")
    return {key: owner for key, owner in rows if owner}


def external_ids(customer_ids: Collection[int]) -> dict[int, str]:
    """The client ids of customers."""
    return dict(Customer.objects.filter(pk__in=customer_ids).values_list("pk", "external_id"))


def active_plans(customer_ids: Collection[int]) -> dict[int, str]:
    """The plan of each customer's largest active subscription; others are left out."""
    rows = Subscription.objects.filter(
        customer__in=customer_ids, state=SubscriptionState.ACTIVE
    ).exclude(plan="")
    return dict(rows.order_by("amount", "pk").values_list("customer_id", "plan"))


def identity(customer_id: int) -> tuple[str, str, str]:
    """A customer's external id, name and billing time zone. Raises Customer.DoesNotExist."""
    return Customer.objects.values_list("external_id", "name", "time_zone").get(pk=customer_id)


def contacts() -> QuerySet[Contact]:
    """Contacts with their customers."""
    return Contact.objects.select_related("customer").order_by("pk")


def has_address(customer_id: int, email: str) -> bool:
    """Whether the customer has a contact of the address."""
    return Contact.objects.filter(customer=customer_id, email__iexact=email.strip()).exists()


def recipients(customer_id: int, *roles: str) -> list[Contact]:
    """Who is written to: the active contacts of the first of these roles that has any."""
    rows = contacts().filter(customer=customer_id, role__in=roles, is_active=True)
    by_role: dict[str, list[Contact]] = {}
    for each in rows:
        by_role.setdefault(each.role, []).append(each)
    return next((by_role[role] for role in roles if role in by_role), [])


class ContactLine(NamedTuple):
    """A contact with the consent and the newest mail, as pages list it."""

    contact: Contact
    consent: str
    mail: str


def contact_lines(customer_ids: Collection[int]) -> list[ContactLine]:
    """The contacts of some customer records."""
    rows = list(contacts().filter(customer__in=customer_ids))
    if not rows:
        return []
    states = messaging.address_states([each.email for each in rows])
    mails = messaging.newest_of_each([each.person for each in rows])
    return [
        ContactLine(each, states[each.email]["consent"], mails.get(each.person, ""))
        for each in rows
    ]


def consent_text(contact: Contact) -> str:
    """What a contact agreed to, when and how, and what is not sent."""
    state = messaging.address_states([contact.email])[contact.email]
    text = str(state["consent"])
    if state["consent_at"]:
        text += f" on {date_text(state['consent_at'])}: {state['consent_source']}"
    if state["suppression"] == "all":
        text += f"; nothing is sent ({state['suppression_reason'].replace('_', ' ')})"
    return text


def newest_mail(contact: Contact) -> list[str]:
    """The newest mail to a contact with what became of it, the newest first."""
    return messaging.newest_mail(contact.person, NEWEST_MAIL)


def contact_data(customer_ids: Collection[int]) -> dict[str, Any]:
    """Contacts with their consent, and the mail written to them, as plain values."""
    rows = list(contacts().filter(customer__in=customer_ids))
    known = messaging.address_states([each.email for each in rows])
    fields = ("pk", "name", "email", "role", "locale", "time_zone", "is_active", "created_at")
    found = [
        {**{name: getattr(each, name) for name in fields}, **known[each.email]} for each in rows
    ]
    return {"contacts": found, "mails": messaging.mails_to([each.person for each in rows])}


def personal_data(customer_id: int) -> dict[str, Any]:
    """Everything stored about a customer, as plain values for JSON."""
    customer = Customer.objects.get(pk=customer_id)
    records = Customer.objects.filter(Q(pk=customer_id) | Q(merged_into=customer_id))
    changes = SubscriptionChange.objects.filter(subscription__customer=customer)
    own = {
        "customer": records.order_by("pk"),
        "subscriptions": Subscription.objects.filter(customer=customer).order_by("pk"),
        "changes": changes,
        "scheduled": ScheduledChange.objects.filter(subscription__customer=customer).order_by("pk"),
        "payments": Payment.objects.filter(customer=customer).order_by("pk"),
    }
    keys = [row.pk for row in records]
    earlier = Customer.history.filter(id__in=keys).order_by("pk")
    hooked: list[Mapping[str, Any]] = [hook.export(keys) for hook in data_hooks.HOOKS]
    return {
        **{name: list(rows.values()) for name, rows in own.items()},
        "earlier": list(earlier.values("id", *CUSTOMERS, "history_date")),
        **{name: rows for each in hooked for name, rows in each.items()},
    }


CUSTOMERS = ("external_id", "name", "segment", "size", "owner", "currency", "time_zone")
SUBSCRIPTIONS = (
    *("subscription", "customer", "plan", "amount", "every", "quantity", "terms", "state"),
    *("currency", "started_on", "ended_on"),
)
AGREED = {"given": True, "withdrawn": False, "unknown": None}
CONTACTS = ("customer", "email", "name", "role", "locale", "time_zone", "gets_mail", "consent")
PAYMENTS = ("payment", "customer", "kind", "paid_on", "amount", "currency")


def _customer_rows() -> Iterator[Sequence[Cell]]:
    rows = Customer.objects.filter(merged_into=None, erased_at=None).order_by("external_id")
    yield from rows.values_list(*CUSTOMERS).iterator()


def _subscription_rows() -> Iterator[Sequence[Cell]]:
    """Each subscription with its last price before an end."""
    earlier = SubscriptionChange.objects.filter(subscription=OuterRef("pk"), is_end=False)
    newest = earlier.order_by("-on", "-pk")
    rows = Subscription.objects.annotate(last=Subquery(newest.values("price")[:1]))
    fields = ("external_id", "customer__external_id", "plan", "last", "interval", "quantity")
    more = ("basis", "state", "currency", "started_on", "ended_on")
    yield from rows.order_by("started_on", "pk").values_list(*fields, *more).iterator()


def _payment_rows() -> Iterator[Sequence[Cell]]:
    rows = Payment.objects.order_by("paid_on", "pk")
    fields = ("external_id", "customer__external_id", "kind", "paid_on", "amount", "currency")
    yield from rows.values_list(*fields).iterator()


def _contact_rows() -> Iterator[Sequence[Cell]]:
    rows = list(contacts())
    known = messaging.address_states([each.email for each in rows])
    for each in rows:
        person = (each.customer.external_id, each.email, each.name, each.role, each.locale)
        agreed = AGREED[known[each.email]["consent"]]
        yield (*person, each.time_zone, each.is_active, agreed)


EXPORTERS = (
    Exporter("contacts", "Contacts", CONTACTS, _contact_rows),
    Exporter("customers", "Customers", CUSTOMERS, _customer_rows),
    Exporter("subscriptions", "Subscriptions", SUBSCRIPTIONS, _subscription_rows),
    Exporter("payments", "Payments", PAYMENTS, _payment_rows),
)


def names(customer_ids: Collection[int]) -> dict[int, str]:
    """The present names of customers, by number."""
    rows = Customer.objects.filter(pk__in=customer_ids, erased_at=None)
    return dict(rows.values_list("pk", "name"))


NAMED_ROWS = NamedRows("customer", names)
SEARCH = row_source(
    "Customers",
    lambda: Customer.objects.filter(merged_into=None),
    ("name", "external_id"),
    note=lambda customer: customer.external_id,
    page=lambda customer: page_path(customer.external_id),
)
