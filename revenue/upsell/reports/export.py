"""Opportunities as an export and as personal data of customers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from aethercrown.csv.export import Cell, Exporter
from revenue.upsell.models import Opportunity

COLUMNS = (
    *("customer", "kind", "state", "current_plan", "recommended_plan"),
    *("currency", "gain_low", "gain", "gain_high", "confidence"),
    *("owner", "outcome", "found_at", "offered_at", "decided_at"),
)


def _rows() -> Iterator[Sequence[Cell]]:
    rows = Opportunity.objects.order_by("found_at", "pk")
    yield from rows.values_list("customer__external_id", *COLUMNS[1:]).iterator()


EXPORTERS = (Exporter("opportunities", "Upsell opportunities", COLUMNS, _rows),)


def personal_data(customer_ids: Collection[int]) -> Mapping[str, Any]:
    """Every opportunity of some customers, with all columns."""
    rows = Opportunity.objects.filter(customer__in=customer_ids).order_by("pk")
    return {"opportunities": list(rows.values())}
