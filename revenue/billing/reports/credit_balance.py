"""The credit that customers have: what invoices left, less what was used or paid out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import Coalesce

from aethercrown.csv.export import Cell, Exporter
from revenue.billing.models import CreditEntry
from revenue.customers.reports import owners_of

THOUSANDTH = Decimal("0.001")  # SQLite adds decimals as floats
OWNER = Coalesce("customer__merged_into", "customer")


def balances(
    customer_ids: Collection[int] | None = None, owners: Mapping[int, int] | None = None
) -> dict[int, Decimal]:
    """The credit of each customer that has entries, with the records merged into it."""
    rows = CreditEntry.objects.order_by()
    if customer_ids is not None:
        rows = rows.filter(customer__in=owners_of(customer_ids, owners))
    sums = rows.annotate(owner=OWNER).values_list("owner").annotate(Sum("amount"))
    return {owner: total.quantize(THOUSANDTH) for owner, total in sums}


CREDITS = ("customer", "currency", "kind", "amount", "booked_at", "note")


def _credit_rows() -> Iterator[Sequence[Cell]]:
    rows = CreditEntry.objects.order_by("booked_at", "pk")
    fields = ("customer__external_id", *CREDITS[1:])
    yield from rows.values_list(*fields).iterator()


EXPORTER = Exporter("credits", "Customer credit", CREDITS, _credit_rows)
