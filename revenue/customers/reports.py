"""Reading customers, recurring revenue and the ledger behind it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from aethercrown.csv.export import Cell, Exporter
from revenue.customers import personal_data as belongings
from revenue.customers.models import Change, Customer, Movement, Payment, Subscription
from revenue.mrr.bridge import Bridge, Row, months
from revenue.mrr.movements import ZERO, Kind, Place, Step, Sums

BOOKED, EFFECTIVE = "on", "effective_on"  # the ledger as it was closed, or as it is known today


class Planned(NamedTuple):
    """What one plan brings."""

    plan: str
    mrr: Decimal
    subscriptions: int
    customers: int


class Standing(NamedTuple):
    """One customer who pays."""

    pk: int
    name: str
    segment: str
    owner: str
    since: date
    subscriptions: int
    mrr: Decimal


# --- The ledger -------------------------------------------------------------------------------


def bridge(
    currency: str, first: date, last: date, *, segment: str | None = None, basis: str = BOOKED
) -> list[Bridge]:
    """The MRR bridge of each month from `first` to `last`; one query, which adds up in SQL.

    `basis` is EFFECTIVE for the restated view, in which late facts count in their own months.
    """
    rows = Movement.objects.filter(currency=currency)
    if segment is not None:
        rows = rows.alias(
            of=Coalesce("customer__merged_into__segment", "customer__segment")
        ).filter(of=segment)
    return months(_by_day(rows, basis), first, last)


def _by_day(rows: Any, basis: str) -> Iterator[Row]:
    grouped = rows.order_by().values_list(basis, "kind")
    yield from grouped.annotate(Sum("amount"), Sum("payers")).iterator()


def mrr(currency: str, on: date, *, basis: str = BOOKED) -> Decimal:
    """Monthly recurring revenue at the end of a day."""
    rows = Movement.objects.filter(currency=currency, **{f"{basis}__lte": on}).order_by()
    sums = rows.values_list("kind").annotate(Sum("amount"))
    return sum((Kind(name).sign * amount for name, amount in sums), ZERO)


def mrr_of(customer_ids: Collection[int], on: date) -> dict[int, Decimal]:
    """What each customer brought at the end of a day, as it is known now; none where nothing."""
    owner = Coalesce("customer__merged_into", "customer")
    rows = Movement.objects.filter(
        Q(customer__in=customer_ids) | Q(customer__merged_into__in=customer_ids),
        effective_on__lte=on,
    ).order_by()
    found: dict[int, Decimal] = {}
    for pk, name, amount in rows.values_list(owner, "kind").annotate(Sum("amount")):
        found[pk] = found.get(pk, ZERO) + Kind(name).sign * amount
    return found


def days(currency: str) -> tuple[date, date] | None:
    """The first and the last day of the ledger; None where it is empty."""
    ends = Movement.objects.filter(currency=currency).aggregate(first=Min("on"), last=Max("on"))
    return (ends["first"], ends["last"]) if ends["first"] else None


def currencies() -> list[str]:
    """Those that the ledger holds, the busiest first."""
    rows = Movement.objects.order_by().values_list("currency").annotate(rows=Count("pk"))
    return [code for code, _ in rows.order_by("-rows", "currency")]


def steps(customer_ids: Collection[int]) -> dict[int, list[Step]]:
    """Every change of these customers' subscriptions, as recorded."""
    found: dict[int, list[Step]] = {}
    rows = Change.objects.filter(subscription__customer__in=customer_ids).order_by("on", "pk")
    fields = ("subscription__customer_id", "on", "subscription_id", "amount")
    for customer, on, subscription, amount in rows.values_list(*fields):
        found.setdefault(customer, []).append(Step(on, subscription, amount))
    return found


def booked(customer_ids: Collection[int]) -> dict[int, dict[Place, Sums]]:
    """What the ledger holds for them; a duplicate's rows count for the one it was merged into."""
    owners = dict(
        Customer.objects.filter(merged_into__in=customer_ids).values_list("pk", "merged_into_id")
    )
    rows = Movement.objects.filter(customer__in=[*customer_ids, *owners]).order_by()
    grouped = rows.values_list("customer_id", "effective_on", "kind")
    found: dict[int, dict[Place, Sums]] = {}
    for customer, day, name, amount, payers in grouped.annotate(Sum("amount"), Sum("payers")):
        places = found.setdefault(owners.get(customer, customer), {})
        place = (day, Kind(name))
        has = places.get(place, Sums(Decimal(0), 0))
        places[place] = Sums(has.amount + amount, has.payers + payers)
    return found


# --- What is paid now -------------------------------------------------------------------------


def plans(currency: str) -> list[Planned]:
    """What each plan brings now, the most first; they add up to MRR."""
    paying = Subscription.objects.filter(currency=currency, amount__gt=0).order_by()
    grouped = paying.values_list("plan").annotate(
        Sum("amount"), Count("pk"), Count("customer", distinct=True)
    )
    found = [Planned(*row) for row in grouped]
    return sorted(found, key=lambda each: (-each.mrr, each.plan))


def running(currency: str) -> tuple[Decimal, int]:
    """MRR now and the customers who pay it, from the subscriptions: cheap at any size."""
    rows = Subscription.objects.filter(currency=currency, amount__gt=0).order_by()
    found = rows.aggregate(mrr=Sum("amount"), payers=Count("customer", distinct=True))
    return found["mrr"] or ZERO, found["payers"]


def paying(currency: str, most: int) -> list[Standing]:
    """The customers who pay most, with what they pay now."""
    found = Customer.objects.filter(currency=currency, merged_into=None).annotate(
        since=Min("subscriptions__started_on"),
        running=Count("subscriptions", filter=Q(subscriptions__amount__gt=0)),
        mrr=Sum("subscriptions__amount"),
    )
    ranked = found.filter(mrr__gt=0).order_by("-mrr", "name", "pk")
    fields = ("pk", "name", "segment", "owner", "since", "running", "mrr")
    return [Standing(*row) for row in ranked.values_list(*fields)[:most]]


def name_and_zone(customer_id: int) -> tuple[str, str]:
    """A customer's name and billing time zone; Customer.DoesNotExist for none such."""
    row = Customer.objects.values_list("name", "time_zone").get(pk=customer_id)
    return row[0], row[1]


def identifier(customer_id: int) -> str:
    """A customer's own id, as callers know it."""
    return Customer.objects.values_list("external_id", flat=True).get(pk=customer_id)


def personal_data(customer_id: int) -> dict[str, Any]:
    """Everything that is kept of a customer, as plain values for JSON."""
    customer = Customer.objects.get(pk=customer_id)
    records = Customer.objects.filter(Q(pk=customer_id) | Q(merged_into=customer_id))
    mine = {"customer": customer}
    others = [each.personal([row.pk for row in records]) for each in belongings.known()]
    return {
        "customer": _plain(records.order_by("pk").values()),
        "subscriptions": _plain(Subscription.objects.filter(**mine).order_by("pk").values()),
        "changes": _plain(Change.objects.filter(subscription__customer=customer).values()),
        "payments": _plain(Payment.objects.filter(**mine).order_by("pk").values()),
        "movements": _plain(
            Movement.objects.filter(customer__in=records).order_by("on", "pk").values()
        ),
        **{name: rows for each in others for name, rows in each.items()},
    }


def _plain(rows: Any) -> list[Mapping[str, Any]]:
    return [dict(row) for row in rows]


# --- Files ------------------------------------------------------------------------------------

CUSTOMERS = ("external_id", "name", "segment", "size", "owner", "currency", "time_zone")
SUBSCRIPTIONS = ("subscription", "customer", "plan", "amount", "currency", "started_on", "ended_on")
PAYMENTS = ("payment", "customer", "kind", "paid_on", "amount", "currency")
MOVEMENTS = (
    "customer",
    "currency",
    "on",
    "effective_on",
    "kind",
    "amount",
    "payers",
    "before",
    "after",
    "cause",
    "is_adjustment",
)


def _customer_rows() -> Iterator[Sequence[Cell]]:
    rows = Customer.objects.filter(merged_into=None, erased_at=None).order_by("external_id")
    yield from rows.values_list(*CUSTOMERS).iterator()


def _subscription_rows() -> Iterator[Sequence[Cell]]:
    """Each subscription with what it brought last, so that an ended one keeps its amount."""
    earlier = Change.objects.filter(subscription=OuterRef("pk"), is_end=False)
    rows = Subscription.objects.annotate(
        last=Subquery(earlier.order_by("-on", "-pk").values("amount")[:1])
    ).order_by("started_on", "pk")
    fields = ("external_id", "customer__external_id", "plan", "last", "currency")
    yield from rows.values_list(*fields, "started_on", "ended_on").iterator()


def _payment_rows() -> Iterator[Sequence[Cell]]:
    rows = Payment.objects.order_by("paid_on", "pk")
    fields = ("external_id", "customer__external_id", "kind", "paid_on", "amount", "currency")
    yield from rows.values_list(*fields).iterator()


def _movement_rows() -> Iterator[Sequence[Cell]]:
    rows = Movement.objects.order_by("on", "pk").annotate(who=F("customer__external_id"))
    yield from rows.values_list("who", *MOVEMENTS[1:]).iterator()


EXPORTERS = (
    Exporter("customers", "Customers", CUSTOMERS, _customer_rows),
    Exporter("subscriptions", "Subscriptions", SUBSCRIPTIONS, _subscription_rows),
    Exporter("payments", "Payments", PAYMENTS, _payment_rows),
    Exporter("mrr-movements", "Movements of recurring revenue", MOVEMENTS, _movement_rows),
)
