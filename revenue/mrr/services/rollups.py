"""Bringing the roll-ups by month up to date with the ledger."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from revenue.customers.billing_interval import month_of
from revenue.customers.models import Customer
from revenue.mrr.models import MrrMovement, MrrRollup, RetentionRollup, RollupWatermark
from revenue.mrr.movements import NOTHING, MovementSums
from revenue.mrr.reports import bridges, retention
from revenue.mrr.retention import NO_CHANGE, RetentionDelta, SpanKey

BATCH = 500
RollupKey = tuple[str, str, str, date, str]  # currency, basis, segment, month, kind
RollupSums = dict[RollupKey, MovementSums]


@transaction.atomic
def roll_up(*, now: datetime, rebuild: bool = False) -> int:
    """Sum what was booked since the watermark and move it; returns how many rows were added.

    The whole ledger is read where `rebuild` asks for it, or rows below the watermark are not those
    that were summed. Customers who changed segment are counted in the new one.
    """
    watermark = None if rebuild else bridges.valid_watermark()
    if watermark is None:
        MrrRollup.objects.all().delete()
        RetentionRollup.objects.all().delete()
        Customer.objects.exclude(rolled_segment=None).update(rolled_segment=None)
    else:
        RollupWatermark.objects.select_for_update().get(pk=1)
    after = watermark.upto if watermark else 0
    upto, rows = bridges.newest_row()
    changed = bridges.customers_with_new_segment()
    sums: RollupSums = {}
    for basis in MrrRollup.Basis.values:
        _add(sums, MrrMovement.objects.filter(pk__gt=after, pk__lte=upto), basis)
        for start in range(0, len(changed), BATCH):
            keys = changed[start : start + BATCH]
            _move_segment(sums, MrrMovement.objects.filter(pk__lte=after, customer__in=keys), basis)
    _store(sums)
    _roll_up_retention(after, upto)
    _store_segments()
    RollupWatermark.objects.update_or_create(
        pk=1, defaults={"upto": upto, "rows": rows, "marked_at": now}
    )
    return rows - (watermark.rows if watermark else 0)


def _add(sums: RollupSums, rows: QuerySet[MrrMovement], basis: str) -> None:
    grouped = rows.order_by().values_list("currency", bridges.SEGMENT, basis, "kind")
    for currency, segment, on, kind, amount, payers in bridges.summed(grouped):
        _plus(sums, (currency, basis, segment, month_of(on), kind), amount, payers)


def _move_segment(sums: RollupSums, rows: QuerySet[MrrMovement], basis: str) -> None:
    """Take rows out of the segment that they were summed in and add them to the present one."""
    both = ("customer__rolled_segment", bridges.SEGMENT)
    grouped = rows.order_by().values_list("currency", *both, basis, "kind")
    for currency, old, new, on, kind, amount, payers in bridges.summed(grouped):
        _plus(sums, (currency, basis, old, month_of(on), kind), -amount, -payers)
        _plus(sums, (currency, basis, new, month_of(on), kind), amount, payers)


def _plus(sums: RollupSums, key: RollupKey, amount: Decimal, payers: int) -> None:
    sums[key] = sums.get(key, NOTHING).plus(amount, payers)


def _store(sums: RollupSums) -> None:
    """Add to stored roll-ups and create new ones."""
    fields = ("currency", "basis", "segment", "month", "kind")
    stored = {tuple(getattr(row, name) for name in fields): row for row in MrrRollup.objects.all()}
    new, changed = [], []
    for key, (amount, payers) in sums.items():
        row = stored.get(key)
        if row is None:
            values = dict(zip(fields, key, strict=True))
            new.append(MrrRollup(**values, amount=amount, payers=payers))
        else:
            row.amount, row.payers = row.amount + amount, row.payers + payers
            changed.append(row)
    MrrRollup.objects.bulk_create(new, batch_size=BATCH)
    MrrRollup.objects.bulk_update(changed, ["amount", "payers"], batch_size=BATCH)


def _roll_up_retention(after: int, upto: int) -> None:
    """Bring retention from one watermark to the next; all of it where none is stored."""
    since = after if RetentionRollup.objects.exists() else 0
    keys = retention.customers_booked_between(since, upto)
    for basis in MrrRollup.Basis.values:
        now = retention.deltas_of(keys, basis, upto=upto)
        before = retention.deltas_of(keys, basis, upto=since) if since else {}
        for currency in now:
            _store_retention(currency, basis, now[currency], before.get(currency, {}))


def _store_retention(
    currency: str,
    basis: str,
    now: Mapping[SpanKey, RetentionDelta],
    before: Mapping[SpanKey, RetentionDelta],
) -> None:
    rows = RetentionRollup.objects.filter(currency=currency, basis=basis)
    stored = {(row.months, row.month): row for row in rows}
    new, changed = [], []
    for key in now.keys() | before.keys():
        more = now.get(key, NO_CHANGE).minus(before.get(key, NO_CHANGE))
        row = stored.get(key)
        if row is None:
            values = {"currency": currency, "basis": basis, "months": key[0], "month": key[1]}
            new.append(RetentionRollup(**values, **more._asdict()))
        elif more != NO_CHANGE:
            total = RetentionDelta(row.gained, row.lost, row.left).plus(more)
            row.gained, row.lost, row.left = total
            changed.append(row)
    RetentionRollup.objects.bulk_create(new, batch_size=BATCH)
    RetentionRollup.objects.bulk_update(changed, ["gained", "lost", "left"], batch_size=BATCH)


def discard_retention(_kept_id: int, _duplicate_id: int, _now: datetime) -> None:
    """After a merge, retention of earlier months changes too: the next roll-up sums it anew."""
    RetentionRollup.objects.all().delete()


def _store_segments() -> None:
    """Store for each customer the segment in which it is summed from now on."""
    unmerged = Customer.objects.filter(merged_into=None)
    unmerged.filter(rolled_segment=None).update(rolled_segment=bridges.OWN_SEGMENT)
    unmerged.exclude(rolled_segment=bridges.OWN_SEGMENT).update(rolled_segment=bridges.OWN_SEGMENT)
    for each in Customer.objects.exclude(merged_into=None).select_related("merged_into"):
        segment = each.merged_into.segment if each.merged_into else each.segment
        if each.rolled_segment != segment:
            Customer.objects.filter(pk=each.pk).update(rolled_segment=segment)
