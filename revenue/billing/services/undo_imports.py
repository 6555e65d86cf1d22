"""Take back the daily totals that an import stored."""

from django.db.models import Exists, OuterRef, QuerySet

from aethercrown.formatting import counted, date_text
from operations.imports import reports as imports
from operations.imports.registry import UndoRefused
from operations.imports.services import EARLIER
from revenue.billing.models import DailyUse, Invoice
from revenue.customers.models import Customer
from revenue.customers.services.customers import closed_reason


def undo_usage(import_id: int) -> list[str]:
    """Delete an import's rows, so that earlier totals are valid again; a day without one has none.

    Raises UndoRefused, and nothing is deleted, where a customer was closed, a total was changed, or
    a bill counted one: what was billed is corrected by a further import, as an adjustment.
    """
    rows = DailyUse.objects.filter(data_import=import_id)
    record = imports.find(import_id)
    if record and record.records and not rows.exists():
        raise UndoRefused(EARLIER)
    customers = rows.order_by().values("customer")
    for owner in Customer.objects.select_for_update().filter(pk__in=customers).order_by("pk"):
        if reason := closed_reason(owner):
            raise UndoRefused(f"{owner.external_id} {reason}")
    _check_unchanged(rows.select_related("customer", "meter"), import_id)
    days, corrected = rows.count(), rows.filter(is_correction=True).count()
    rows.delete()
    said = [f"{counted(days - corrected, 'daily total')} deleted."]
    if corrected:
        said.append(f"{counted(corrected, 'daily total')} as before the import.")
    return said


def _check_unchanged(rows: QuerySet[DailyUse], import_id: int) -> None:
    of_day = {name: OuterRef(name) for name in ("customer", "meter", "day")}
    later = DailyUse.objects.filter(**of_day, pk__gt=OuterRef("pk")).exclude(data_import=import_id)
    if changed := rows.filter(Exists(later)).first():
        what = f"the total of {changed.meter} of {changed.customer.external_id}"
        raise UndoRefused(f"{what} on {date_text(changed.day)} was changed since")
    billed = Invoice.objects.filter(
        customer=OuterRef("customer"),
        issued_at__gte=OuterRef("booked_at"),
        period_end__gt=OuterRef("day"),
    )
    if counted_in := rows.filter(Exists(billed)).first():
        raise UndoRefused(
            f"{counted_in.customer.external_id} was invoiced since; import the right totals with "
            "update, and the next bill adjusts"
        )
