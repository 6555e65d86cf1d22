"""The MRR bridge of each segment, from the roll-ups and what was booked after their watermark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Func, IntegerField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from revenue.customers.billing_interval import month_of, months_before
from revenue.customers.models import Customer
from revenue.mrr.bridge import Bridge, BridgeRow, monthly_bridges
from revenue.mrr.models import MrrMovement, MrrRollup, RollupWatermark
from revenue.mrr.reports.ledger import BOOKED

SEGMENT = Coalesce("customer__merged_into__segment", "customer__segment")
OWN_SEGMENT = F("segment")  # of a customer who was not merged into another
# SQLite would read a whole index that begins with the bare column, to have groups in order.
CURRENCY = Coalesce(F("currency"), Value(""))
BATCH = 500
SegmentRow = tuple[str, date, str, Decimal, int]  # segment, day, kind, amount, payers


def bridges_by_segment(
    currency: str, first: date, last: date, *, basis: str = BOOKED
) -> dict[str, list[Bridge]]:
    """The bridge of each segment; a movement belongs to its customer's present segment.

    Read from the roll-ups where they are valid, else from every row.
    """
    found: dict[str, list[BridgeRow]] = {}
    for segment, on, kind, amount, payers in _rows(currency, basis):
        found.setdefault(segment, []).append((on, kind, amount, payers))
    return {name: monthly_bridges(found[name], first, last) for name in sorted(found)}


@dataclass(frozen=True, slots=True)
class LedgerMonths:
    """A currency's movements, read once for any span; those of a month may stand on its first."""

    currency: str
    basis: str
    rows: Sequence[BridgeRow]

    def bridge(self, first: date, last: date) -> list[Bridge]:
        """The bridge of each month, as of the day `last`: later days of its month do not count."""
        return monthly_bridges([*self.rows, *self._after(last)], first, last)

    def _after(self, last: date) -> Iterator[BridgeRow]:
        following = months_before(month_of(last), -1)
        if following == last + timedelta(days=1):
            return
        later = {f"{self.basis}__gt": last, f"{self.basis}__lt": following}
        rows = MrrMovement.objects.filter(currency=self.currency, **later).order_by()
        for on, kind, amount, payers in summed(rows.values_list(self.basis, "kind")):
            yield on, kind, -amount, -payers


def ledger_months(
    currency: str, watermark: RollupWatermark | None, *, basis: str = BOOKED
) -> LedgerMonths:
    """From the roll-ups up to their watermark, which is None where every row has to be read."""
    rows = MrrMovement.objects.filter(currency=currency).order_by()
    if watermark is None:
        return LedgerMonths(currency, basis, list(summed(rows.values_list(basis, "kind"))))
    rollups = MrrRollup.objects.filter(currency=currency, basis=basis).order_by()
    later = MrrMovement.objects.filter(pk__gt=watermark.upto).order_by()
    found: list[BridgeRow] = list(summed(rollups.values_list("month", "kind")))
    for of, on, kind, amount, payers in summed(later.values_list(CURRENCY, basis, "kind")):
        if of == currency:
            found.append((on, kind, amount, payers))
    return LedgerMonths(currency, basis, found)


def _rows(currency: str, basis: str) -> Iterator[SegmentRow]:
    watermark = valid_watermark()
    if watermark is None:
        rows = MrrMovement.objects.filter(currency=currency).order_by()
        yield from summed(rows.values_list(SEGMENT, basis, "kind"))
        return
    rollups = MrrRollup.objects.filter(currency=currency, basis=basis)
    yield from rollups.values_list("segment", "month", "kind", "amount", "payers")
    yield from _rows_after(watermark, currency, basis)
    yield from _segment_changes(watermark, currency, basis)


def valid_watermark() -> RollupWatermark | None:
    """The watermark; None where there is none, or rows below it are missing."""
    # Counting a whole table reads its narrowest index; counting a part would read its rows.
    later = MrrMovement.objects.filter(pk__gt=OuterRef("upto"))
    counts = {"total": _count(MrrMovement.objects.all()), "later": _count(later)}
    watermark: Any = RollupWatermark.objects.filter(pk=1).annotate(**counts).first()
    if watermark is None or watermark.total - watermark.later != watermark.rows:
        return None
    found: RollupWatermark = watermark
    return found


def _count(rows: QuerySet[MrrMovement]) -> Subquery:
    count = Func(template="COUNT(*)", output_field=IntegerField())
    return Subquery(rows.order_by().values(count=count))


def summed(grouped: Any) -> Any:
    """Groups with the sums of their amounts and of their changes in paying customers."""
    return grouped.annotate(Sum("amount"), Sum("payers")).iterator()


def _rows_after(watermark: RollupWatermark, currency: str, basis: str) -> Iterator[SegmentRow]:
    """Rows after the watermark, found by number: a filter by currency would read all rows."""
    rows = MrrMovement.objects.filter(pk__gt=watermark.upto).order_by()
    grouped = rows.values_list(CURRENCY, SEGMENT, basis, "kind")
    for of, segment, on, kind, amount, payers in summed(grouped):
        if of == currency:
            yield segment, on, kind, amount, payers


def _segment_changes(watermark: RollupWatermark, currency: str, basis: str) -> Iterator[SegmentRow]:
    """Rows of customers who changed segment since: out of the old segment, into the new one."""
    keys = customers_with_new_segment()
    for start in range(0, len(keys), BATCH):
        rows = MrrMovement.objects.filter(customer__in=keys[start : start + BATCH]).order_by()
        grouped = rows.filter(pk__lte=watermark.upto).values_list(
            "currency", "customer__rolled_segment", SEGMENT, basis, "kind"
        )
        for of, old, new, on, kind, amount, payers in summed(grouped):
            if of == currency:
                yield old, on, kind, -amount, -payers
                yield new, on, kind, amount, payers


def customers_with_new_segment() -> list[int]:
    """Customers with another segment than the roll-ups have; an index finds unmerged ones."""
    counted = Customer.objects.filter(rolled_segment__isnull=False).order_by()
    unmerged = counted.filter(merged_into=None).exclude(rolled_segment=OWN_SEGMENT)
    merged = counted.filter(merged_into__isnull=False).exclude(
        rolled_segment=F("merged_into__segment")
    )
    return [pk for rows in (unmerged, merged) for pk in rows.values_list("pk", flat=True)]
