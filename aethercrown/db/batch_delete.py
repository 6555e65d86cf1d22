"""Delete in batches, so that no table is locked for long."""

from typing import Any

from django.db.models import Model, QuerySet

BATCH = 1_000


def forget(rows: "QuerySet[Any]", batch: int = BATCH) -> int:
    """Delete every row, one transaction a batch; returns how many."""
    model: type[Model] = rows.model
    every: QuerySet[Any] = QuerySet(model).using(rows.db)
    forgotten = 0
    while keys := list(rows.values_list("pk", flat=True)[:batch]):
        every.filter(pk__in=keys).delete()
        forgotten += len(keys)
    return forgotten
