"""Reading the ledger's rows: the bridge of one currency, MRR, and what is booked for customers."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F, Subquery, Sum
from django.db.models.functions import Coalesce

from aethercrown.csv.export import Cell, Exporter
from revenue.customers.models import Customer
from revenue.customers.reports import owners_of
from revenue.mrr.bridge import Bridge, monthly_bridges
from revenue.mrr.models import MrrMovement, MrrRollup, RollupWatermark
from revenue.mrr.movements import NOTHING, ZERO, MovementKey, MovementKind, MovementSums

BOOKED = "on"  # count each row on the day that it was booked for
EFFECTIVE = "effective_on"  # count each row on the day that the change took effect


def bridge(currency: str, first: date, last: date, *, basis: str = BOOKED) -> list[Bridge]:
    """The MRR bridge of each month from `first` to `last`, in one query that sums in SQL."""
    rows = MrrMovement.objects.filter(currency=currency)
    grouped = rows.order_by().values_list(basis, "kind").annotate(Sum("amount"), Sum("payers"))
    return monthly_bridges(grouped.iterator(), first, last)


def mrr_of(customer_ids: Collection[int], on: date) -> dict[int, Decimal]:
    """Each customer's MRR at the end of a day, as known now; none for one without movements."""
    owner = Coalesce("customer__merged_into", "customer")
    rows = MrrMovement.objects.filter(
        customer__in=owners_of(customer_ids),
        effective_on__lte=on,
    ).order_by()
    found: dict[int, Decimal] = {}
    for pk, name, amount in rows.values_list(owner, "kind").annotate(Sum("amount")):
        found[pk] = found.get(pk, ZERO) + MovementKind(name).sign * amount
    return found


class CustomerMovement(NamedTuple):
    """One movement on the day it took effect; an amount below zero reduced the MRR."""

    pk: int
    on: date
    kind: str
    signed_amount: Decimal
    cause: str


def movements_of(customer_ids: Collection[int]) -> list[CustomerMovement]:
    """Every movement of some customers, the first first."""
    rows = MrrMovement.objects.filter(customer__in=customer_ids).order_by(EFFECTIVE, "pk")
    found = rows.values_list("pk", EFFECTIVE, "kind", "amount", "cause")
    return [
        CustomerMovement(pk, on, kind, MovementKind(kind).sign * amount, cause)
        for pk, on, kind, amount, cause in found
    ]


def currencies() -> list[str]:
    """The ledger's currencies by name, from the roll-ups and the movements after them."""
    upto = Coalesce(Subquery(RollupWatermark.objects.filter(pk=1).values("upto")), 0)
    later = MrrMovement.objects.filter(pk__gt=upto).order_by().values_list("currency", flat=True)
    rolled = MrrRollup.objects.order_by().values_list("currency", flat=True)
    return sorted(rolled.union(later))


def booked_sums(customer_ids: Collection[int]) -> dict[int, dict[MovementKey, MovementSums]]:
    """What is booked for each customer by day and kind, with rows of merged duplicates."""
    owners = dict(
        Customer.objects.filter(merged_into__in=customer_ids).values_list("pk", "merged_into_id")
    )
    rows = MrrMovement.objects.filter(customer__in=[*customer_ids, *owners]).order_by()
    grouped = rows.values_list("customer_id", "effective_on", "kind")
    found: dict[int, dict[MovementKey, MovementSums]] = {}
    for customer, day, name, amount, payers in grouped.annotate(Sum("amount"), Sum("payers")):
        sums = found.setdefault(owners.get(customer, customer), {})
        key = (day, MovementKind(name))
        sums[key] = sums.get(key, NOTHING).plus(amount, payers)
    return found


def personal_data(customer_ids: Collection[int]) -> dict[str, object]:
    """These customers' movements as plain values, for their data export."""
    rows = MrrMovement.objects.filter(customer__in=customer_ids).order_by("on", "pk")
    return {"movements": list(rows.values())}


MOVEMENTS = (
    *("customer", "currency", "on", "effective_on", "kind", "amount"),
    *("payers", "before", "after", "cause", "is_adjustment"),
)


def _movement_rows() -> Iterator[Sequence[Cell]]:
    rows = MrrMovement.objects.order_by("on", "pk").annotate(who=F("customer__external_id"))
    yield from rows.values_list("who", *MOVEMENTS[1:]).iterator()


EXPORTERS = (Exporter("mrr-movements", "MRR movements", MOVEMENTS, _movement_rows),)
