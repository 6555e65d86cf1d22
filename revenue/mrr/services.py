"""Bringing the monthly sums up to date, and the nightly look at the ledger."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from aethercrown.severity import CRITICAL
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from revenue.customers.models import Customer, Movement
from revenue.mrr import reports
from revenue.mrr.billing_interval import month_of
from revenue.mrr.models import KeptSum, Mark, MonthlySum
from revenue.mrr.retention import NONE, Kept, Place

AUTOMATION = "revenue.check_ledger"
SOURCE, KIND, SUBJECT = "revenue", "ledger_differs", "MRR ledger"
LINK = "/dashboards/revenue"
TOLD = 5
BATCH = 500
Sum = tuple[str, str, str, date, str]


@transaction.atomic
def roll_up(*, now: datetime, anew: bool = False) -> int:
    """Sum what was booked since the mark, and move the mark there; how many rows were added.

    `anew` reads the whole ledger, as does a ledger whose rows below the mark are not those that
    were summed. Customers who changed segment are counted in the new one.
    """
    mark = None if anew else reports.holding_mark()
    if mark is None:
        MonthlySum.objects.all().delete()
        KeptSum.objects.all().delete()
        Customer.objects.exclude(rolled_segment=None).update(rolled_segment=None)
    else:
        Mark.objects.select_for_update().get(pk=1)
    after = mark.upto if mark else 0
    upto, rows = reports.newest()
    changed = reports.moved_customers()
    sums: dict[Sum, tuple[Decimal, int]] = {}
    for basis in MonthlySum.Basis.values:
        fresh = Movement.objects.filter(pk__gt=after, pk__lte=upto)
        _add(sums, fresh, basis)
        for start in range(0, len(changed), BATCH):
            keys = changed[start : start + BATCH]
            _shift(sums, Movement.objects.filter(pk__lte=after, customer__in=keys), basis)
    _store(sums)
    _keep(after, upto)
    _note_segments()
    had = mark.rows if mark else 0
    Mark.objects.update_or_create(pk=1, defaults={"upto": upto, "rows": rows, "marked_at": now})
    return rows - had


def _add(sums: dict[Sum, tuple[Decimal, int]], rows: QuerySet[Movement], basis: str) -> None:
    grouped = rows.order_by().values_list("currency", reports.SEGMENT, basis, "kind")
    for currency, segment, on, kind, amount, payers in reports.summed(grouped):
        _plus(sums, (currency, basis, segment, month_of(on), kind), amount, payers)


def _shift(sums: dict[Sum, tuple[Decimal, int]], rows: QuerySet[Movement], basis: str) -> None:
    """From the segment that the sums had to the one of now."""
    both = ("customer__rolled_segment", reports.SEGMENT)
    grouped = rows.order_by().values_list("currency", *both, basis, "kind")
    for currency, old, new, on, kind, amount, payers in reports.summed(grouped):
        _plus(sums, (currency, basis, old, month_of(on), kind), -amount, -payers)
        _plus(sums, (currency, basis, new, month_of(on), kind), amount, payers)


def _plus(sums: dict[Sum, tuple[Decimal, int]], place: Sum, amount: Decimal, payers: int) -> None:
    has = sums.get(place, (Decimal(0), 0))
    sums[place] = has[0] + amount, has[1] + payers


def _store(sums: dict[Sum, tuple[Decimal, int]]) -> None:
    """Add to the rows that are there; make those that are not."""
    stored = {
        (each.currency, each.basis, each.segment, each.month, each.kind): each
        for each in MonthlySum.objects.all()
    }
    fresh, changed = [], []
    for place, (amount, payers) in sums.items():
        row = stored.get(place)
        if row is None:
            currency, basis, segment, month, kind = place
            fresh.append(
                MonthlySum(
                    currency=currency,
                    basis=basis,
                    segment=segment,
                    month=month,
                    kind=kind,
                    amount=amount,
                    payers=payers,
                )
            )
        else:
            row.amount, row.payers = row.amount + amount, row.payers + payers
            changed.append(row)
    MonthlySum.objects.bulk_create(fresh, batch_size=BATCH)
    MonthlySum.objects.bulk_update(changed, ["amount", "payers"], batch_size=BATCH)


def _keep(after: int, upto: int) -> None:
    """Bring what was kept from one mark to the next; whole where there is none of it."""
    since = after if KeptSum.objects.exists() else 0
    keys = reports.touched(since, upto)
    for basis in MonthlySum.Basis.values:
        now = reports.kept_of(keys, basis, upto=upto)
        before = reports.kept_of(keys, basis, upto=since) if since else {}
        for currency in now:
            _keep_sums(currency, basis, now[currency], before.get(currency, {}))


def _keep_sums(
    currency: str, basis: str, now: Mapping[Place, Kept], before: Mapping[Place, Kept]
) -> None:
    rows = KeptSum.objects.filter(currency=currency, basis=basis)
    stored = {(row.months, row.month): row for row in rows}
    fresh, changed = [], []
    for place in now.keys() | before.keys():
        more = now.get(place, NONE).minus(before.get(place, NONE))
        row = stored.get(place)
        if row is None:
            keys = {"currency": currency, "basis": basis, "months": place[0], "month": place[1]}
            fresh.append(KeptSum(**keys, **more._asdict()))
        elif more != NONE:
            row.gained, row.lost, row.left = Kept(row.gained, row.lost, row.left).plus(more)
            changed.append(row)
    KeptSum.objects.bulk_create(fresh, batch_size=BATCH)
    KeptSum.objects.bulk_update(changed, ["gained", "lost", "left"], batch_size=BATCH)


def forget_kept(_kept: int, _duplicate: int, _now: datetime) -> None:
    """Two customers are one from now on, in months gone by too: what was kept is summed anew."""
    KeptSum.objects.all().delete()


def _note_segments() -> None:
    """Every customer is counted from here on in the segment of now."""
    alone = Customer.objects.filter(merged_into=None)
    alone.filter(rolled_segment=None).update(rolled_segment=reports.OWN_ALONE)
    alone.exclude(rolled_segment=reports.OWN_ALONE).update(rolled_segment=reports.OWN_ALONE)
    for each in Customer.objects.exclude(merged_into=None).select_related("merged_into"):
        segment = each.merged_into.segment if each.merged_into else each.segment
        if each.rolled_segment != segment:
            Customer.objects.filter(pk=each.pk).update(rolled_segment=segment)


# --- By itself ------------------------------------------------------------------------------------


def perform(context: RunContext) -> RunOutcome:
    """Work the ledger out again from the subscriptions, and say so where it differs.

    The monthly sums are brought up to date and compared with their rows; sums that are wrong are
    made anew.
    """
    now = context.now
    added = roll_up(now=now)
    wrong = reports.sums_differ()
    if wrong:
        roll_up(now=now, anew=True)
    count, told = reports.differing(context.may_continue, TOLD)
    if count:
        message = f"{count} customers differ: {'; '.join(told)}."
        alerts.raise_alert(SOURCE, KIND, SUBJECT, CRITICAL, message, link=LINK, now=now)
    else:
        alerts.resolve(SOURCE, KIND, SUBJECT, now=now)
    words = f"{count} customers differ from their subscriptions" if count else "The ledger is right"
    again = f"; the monthly sums were made anew: {wrong[0]} was wrong" if wrong else ""
    return RunOutcome(f"{words}; {added} rows summed up{again}.", (), {"differ": told})


AUTOMATIONS = (AutomationSpec(AUTOMATION, "Check the ledger against the subscriptions", perform),)
