"""Bringing the roll-ups by month up to date with the ledger, and checking both every night."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, QuerySet

from aethercrown.formatting import counted
from aethercrown.severity import CRITICAL
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from revenue.customers.billing_interval import month_of
from revenue.customers.data_hooks import CustomerDataHook
from revenue.customers.models import Customer
from revenue.mrr.models import MrrMovement, MrrRollup, RetentionRollup, RollupWatermark
from revenue.mrr.movements import NOTHING, MovementSums
from revenue.mrr.reports import bridges, consistency, ledger, retention
from revenue.mrr.retention import NO_CHANGE, RetentionDelta
from revenue.mrr.services.booking import book

BATCH = 500
RollupKey = tuple[str, str, str, date, str]  # currency, basis, segment, month, kind
RollupSums = dict[RollupKey, MovementSums]


@transaction.atomic
def roll_up(*, now: datetime, rebuild: bool = False) -> int:
    """Sum what was booked since the watermark and move it; returns how many rows were added.

    The whole ledger is read where `rebuild` asks for it, or rows below the watermark are not those
    that were summed. Customers who changed segment are counted in the new one. The watermark is
    locked before it is read, so a second run that waited sums only what came after the first.
    """
    RollupWatermark.objects.get_or_create(pk=1, defaults={"upto": 0, "rows": 0, "marked_at": now})
    RollupWatermark.objects.select_for_update().get(pk=1)
    watermark = None if rebuild else bridges.valid_watermark()
    if watermark is None:
        MrrRollup.objects.all().delete()
        RetentionRollup.objects.all().delete()
        Customer.objects.exclude(rolled_segment=None).update(rolled_segment=None)
    after = watermark.upto if watermark else 0
    newest = MrrMovement.objects.aggregate(upto=Max("pk"), rows=Count("pk"))
    upto, rows = int(newest["upto"] or 0), int(newest["rows"])
    changed = bridges.customers_with_new_segment()
    sums: RollupSums = {}
    for basis in MrrRollup.Basis.values:
        _add(sums, MrrMovement.objects.filter(pk__gt=after, pk__lte=upto), basis)
        for start in range(0, len(changed), BATCH):
            keys = changed[start : start + BATCH]
            _move_segment(sums, MrrMovement.objects.filter(pk__lte=after, customer__in=keys), basis)
    names = ("currency", "basis", "segment", "month", "kind")
    _store(MrrRollup, names, MovementSums._fields, sums)
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


def _store(
    model: type[Any], names: Sequence[str], summed: Sequence[str], sums: Mapping[Any, Any]
) -> None:
    """Add sums, by the columns `names`, to the stored roll-ups; create those that are missing."""
    stored = {tuple(getattr(row, name) for name in names): row for row in model.objects.all()}
    new, changed = [], []
    for key, more in sums.items():
        row = stored.get(key)
        if row is None:
            new.append(model(**dict(zip(names, key, strict=True)), **more._asdict()))
            continue
        for name in summed:
            setattr(row, name, getattr(row, name) + getattr(more, name))
        changed.append(row)
    model.objects.bulk_create(new, batch_size=BATCH)
    model.objects.bulk_update(changed, summed, batch_size=BATCH)


def _roll_up_retention(after: int, upto: int) -> None:
    """Bring retention from one watermark to the next; all of it where none is stored."""
    since = after if RetentionRollup.objects.exists() else 0
    keys = retention.owners_of(MrrMovement.objects.filter(pk__gt=since, pk__lte=upto))
    sums = {}
    for basis in MrrRollup.Basis.values:
        now = retention.deltas_of(keys, basis, upto=upto)
        before = retention.deltas_of(keys, basis, upto=since) if since else {}
        for currency in now:
            was = before.get(currency, {})
            for span in now[currency].keys() | was.keys():
                more = now[currency].get(span, NO_CHANGE).minus(was.get(span, NO_CHANGE))
                sums[currency, basis, *span] = more
    names = ("currency", "basis", "months", "month")
    _store(RetentionRollup, names, RetentionDelta._fields, sums)


def discard_retention(_kept_id: int, _duplicate_id: int, _now: datetime) -> None:
    """After a merge, retention of earlier months changes too: the next roll-up sums it anew."""
    RetentionRollup.objects.all().delete()


CUSTOMER_HOOK = CustomerDataHook(
    "mrr", ledger.personal_data, merge=discard_retention, subscriptions_changed=book
)


def _store_segments() -> None:
    """Store for each customer the segment in which it is summed from now on."""
    unmerged = Customer.objects.filter(merged_into=None)
    unmerged.filter(rolled_segment=None).update(rolled_segment=bridges.OWN_SEGMENT)
    unmerged.exclude(rolled_segment=bridges.OWN_SEGMENT).update(rolled_segment=bridges.OWN_SEGMENT)
    for each in Customer.objects.exclude(merged_into=None).select_related("merged_into"):
        segment = each.merged_into.segment if each.merged_into else each.segment
        if each.rolled_segment != segment:
            Customer.objects.filter(pk=each.pk).update(rolled_segment=segment)


AUTOMATION = "revenue.check_mrr"
SOURCE, KIND, SUBJECT = "revenue", "ledger_differs", "MRR ledger"
LINK = "/dashboards/revenue"
LISTED = 5  # differences named in the alert


def check_mrr(context: RunContext) -> RunOutcome:
    """Recompute the ledger from the subscriptions and raise an alert where it differs.

    The roll-ups are brought up to date and compared with their rows; wrong ones are rebuilt.
    """
    now = context.now
    added = roll_up(now=now)
    wrong = consistency.wrong_rollups()
    if wrong:
        roll_up(now=now, rebuild=True)
    count, differences = consistency.differing_customers(context.may_continue, LISTED)
    if count:
        message = f"Customers that differ: {count:,}. {'; '.join(differences)}."
        alerts.raise_alert(SOURCE, KIND, SUBJECT, CRITICAL, message, link=LINK, now=now)
    elif context.may_continue():  # a run that was stopped has not compared all
        alerts.resolve(SOURCE, KIND, SUBJECT, now=now)
    differ = f"Customers that differ from their subscriptions: {count:,}"
    summary = f"{differ if count else 'The ledger is correct'}; {counted(added, 'row')} summed"
    rebuilt = f"; the monthly sums were rebuilt: {wrong[0]} was wrong" if wrong else ""
    return RunOutcome(f"{summary}{rebuilt}.", (), {"differ": differences})


AUTOMATIONS = (
    AutomationSpec(AUTOMATION, "Check the MRR ledger against the subscriptions", check_mrr),
)
