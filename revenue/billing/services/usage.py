"""Recording daily usage."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, QuerySet

from aethercrown.csv.importing import ImportCounts
from revenue.billing import periods
from revenue.billing.models import DailyUse, Meter
from revenue.billing.periods import Aggregation, InputGroup
from revenue.billing.reports.usage import all_meters, daily_totals
from revenue.customers.billing_interval import rounded
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry

BATCH = 500
MAX_QUANTITY = Decimal(10) ** 12
ZERO = Decimal(0)


class DailyTotal(NamedTuple):
    """The whole usage of a metric by a customer on a day."""

    customer: int
    metric: str
    day: date
    quantity: Decimal


def ensure_meter(
    code: str,
    *,
    title: str = "",
    unit: str = "",
    input_group: str = InputGroup.USAGE,
    aggregation: str = Aggregation.SUM,
) -> Meter:
    """The meter of a metric, created where there is none; an existing one is not changed."""
    row, _ = Meter.objects.get_or_create(
        code=code,
        defaults={
            "title": title or code.replace("_", " "),
            "unit": unit,
            "input_group": input_group,
            "aggregation": aggregation,
        },
    )
    return row


def newest_row() -> int:
    """The number of the newest row of daily use; 0 without any."""
    return DailyUse.objects.aggregate(last=Max("pk"))["last"] or 0


def rows_after(number: int) -> QuerySet[DailyUse]:
    """The rows of daily use that were stored after one."""
    return DailyUse.objects.filter(pk__gt=number).order_by("pk")


@transaction.atomic
def record(
    totals: Iterable[DailyTotal], *, now: datetime, import_id: int | None = None
) -> ImportCounts:
    """Set the days' totals and count new and corrected ones; the same total changes nothing.

    The difference from the stored total is stored as a further row, so no row is updated. Locks
    the customers in the order of their ids. Raises InvalidEntry, and then nothing is stored.
    """
    wanted = {each[:3]: each for each in totals}
    customers = _lock_customers({each.customer for each in wanted.values()})
    meters = all_meters()
    for each in wanted.values():
        _check(each, customers[each.customer], meters, now)
    stored = daily_totals(wanted.keys())
    rows = [
        DailyUse(
            customer_id=each.customer,
            meter=meters[each.metric],
            day=each.day,
            quantity=rounded(each.quantity) - stored.get(key, ZERO),
            is_correction=key in stored,
            booked_at=now,
            data_import_id=import_id,
        )
        for key, each in wanted.items()
        if key not in stored or rounded(each.quantity) != stored[key]
    ]
    DailyUse.objects.bulk_create(rows, batch_size=BATCH)
    corrected = sum(row.is_correction for row in rows)
    return ImportCounts(len(rows) - corrected, corrected)


def _lock_customers(customer_ids: Iterable[int]) -> Mapping[int, Customer]:
    keys = sorted(set(customer_ids))
    rows = Customer.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    found = {each.pk: each for each in rows}
    for key in keys:
        if key not in found:
            raise InvalidEntry("customer", f"There is no customer number {key}.")
        if found[key].merged_into_id or found[key].erased_at:
            raise InvalidEntry("customer", f"{found[key]} was merged or erased.")
    return found


def _check(
    each: DailyTotal, customer: Customer, meters: Mapping[str, Meter], now: datetime
) -> None:
    if each.metric not in meters:
        known = ", ".join(sorted(meters)) or "none"
        raise InvalidEntry("metric", f"{each.metric!r} is not a meter. Known: {known}.")
    if not (each.quantity.is_finite() and 0 <= each.quantity <= MAX_QUANTITY):
        raise InvalidEntry("quantity", f"must be 0 to {MAX_QUANTITY:,}, not {each.quantity}.")
    today = periods.today_in(customer.time_zone, now)
    if each.day > today:
        raise InvalidEntry("day", f"{each.day} is after today, {today}, in {customer.time_zone}.")
