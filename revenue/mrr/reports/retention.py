"""Retention of each span, from its roll-ups and what was booked after their watermark."""

from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from revenue.customers.billing_interval import month_of
from revenue.customers.models import Customer
from revenue.mrr.models import MrrMovement, RetentionRollup, RollupWatermark
from revenue.mrr.movements import MovementKind
from revenue.mrr.reports.bridges import valid_watermark
from revenue.mrr.reports.ledger import BOOKED
from revenue.mrr.retention import NO_CHANGE, RetentionDelta, SpanKey, customer_deltas

OWNER = Coalesce("customer__merged_into", "customer")
BATCH = 500
SMALL_LEDGER = 10_000  # customers of a ledger that is read whole while there are no roll-ups


def retention_deltas(
    currency: str,
    basis: str = BOOKED,
    *,
    small: int = SMALL_LEDGER,
    watermark: Callable[[], RollupWatermark | None] = valid_watermark,
) -> dict[SpanKey, RetentionDelta] | None:
    """What the customers of each span's start bring more and less at its end.

    None where there are no roll-ups and more than `small` customers: the nightly run makes them.
    """
    mark, stored = watermark(), RetentionRollup.objects.filter(basis=basis).order_by()
    fields = ("months", "month", "gained", "lost", "left")
    rows = list(stored.filter(currency=currency).values_list(*fields)) if mark else []
    if mark is None or not (rows or stored.exists()):
        keys = owners_of(MrrMovement.objects.filter(currency=currency), small + 1)
        return None if len(keys) > small else deltas_of(keys, basis).get(currency, {})
    found = {(months, month): RetentionDelta(*sums) for months, month, *sums in rows}
    later = owners_of(MrrMovement.objects.filter(pk__gt=mark.upto))
    for key, each in deltas_of(later, basis).get(currency, {}).items():
        found[key] = found.get(key, NO_CHANGE).plus(each)
    for key, each in deltas_of(later, basis, upto=mark.upto).get(currency, {}).items():
        found[key] = found.get(key, NO_CHANGE).minus(each)
    return found


def owners_of(rows: QuerySet[MrrMovement], most: int | None = None) -> list[int]:
    return sorted(rows.order_by().values_list(OWNER, flat=True).distinct()[:most])


def deltas_of(
    customer_ids: Collection[int], basis: str, upto: int | None = None
) -> dict[str, dict[SpanKey, RetentionDelta]]:
    """What customers add to the spans of each currency, by their rows up to `upto`."""
    found: dict[str, dict[SpanKey, RetentionDelta]] = {}
    keys = list(customer_ids)
    for start in range(0, len(keys), BATCH):
        for (_, currency), nets in _net_by_month(keys[start : start + BATCH], basis, upto).items():
            sums = found.setdefault(currency, {})
            for key, each in customer_deltas(nets):
                sums[key] = sums.get(key, NO_CHANGE).plus(each)
    return found


def _net_by_month(
    keys: list[int], basis: str, upto: int | None
) -> dict[tuple[int, str], dict[date, Decimal]]:
    """The net change of MRR in each month, by customer and currency."""
    merged = Customer.objects.filter(merged_into__in=keys).values_list("pk", "merged_into_id")
    owners = dict(merged)
    rows = MrrMovement.objects.filter(customer__in=[*keys, *owners]).order_by()
    rows = rows if upto is None else rows.filter(pk__lte=upto)
    found: dict[tuple[int, str], dict[date, Decimal]] = {}
    for pk, currency, on, kind, amount in rows.values_list(
        "customer_id", "currency", basis, "kind", "amount"
    ).iterator():
        nets = found.setdefault((owners.get(pk, pk), currency), {})
        month = month_of(on)
        nets[month] = nets.get(month, Decimal(0)) + MovementKind(kind).sign * amount
    return found
