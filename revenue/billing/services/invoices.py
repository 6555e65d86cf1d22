"""Booking what customers used a day, and issuing invoices; each function is one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from revenue.billing import periods, reports
from revenue.billing.models import Adjustment, DailyUse, Invoice, Meter
from revenue.billing.periods import Combine, Part
from revenue.billing.statement import Statement
from revenue.customers.models import Customer
from revenue.customers.services import Refused, held
from revenue.mrr.billing_interval import rounded

BATCH = 500
LARGEST = Decimal(10) ** 12
ZERO = Decimal(0)


class Total(NamedTuple):
    """What a customer used of a metric on a day, all told."""

    customer: int
    metric: str
    day: date
    quantity: Decimal


class Booked(NamedTuple):
    """How many totals were new, how many corrected one that stood, how many stood already."""

    fresh: int
    corrected: int
    same: int


def meter(
    code: str,
    *,
    title: str = "",
    unit: str = "",
    part: str = Part.USAGE,
    combine: str = Combine.SUM,
) -> Meter:
    """The meter of a metric, made where there is none; one that is there stays as staff set it."""
    row, _ = Meter.objects.get_or_create(
        code=code,
        defaults={
            "title": title or code.replace("_", " "),
            "unit": unit,
            "part": part,
            "combine": combine,
        },
    )
    return row


@transaction.atomic
def record(totals: Iterable[Total], *, now: datetime) -> Booked:
    """Make the days' totals what they are told to be; telling the same twice changes nothing.

    What a total differs by from what stands is booked as a further row, so nothing is rewritten.
    The customers are held, in one order. Raises Refused, and then nothing is stored.
    """
    wanted = {each[:3]: each for each in totals}
    customers = _held({each.customer for each in wanted.values()})
    meters = reports.meters()
    for each in wanted.values():
        _check(each, customers[each.customer], meters, now)
    stand = reports.totals(wanted.keys())
    rows = [
        DailyUse(
            customer_id=each.customer,
            meter=meters[each.metric],
            day=each.day,
            quantity=rounded(each.quantity) - stand.get(key, ZERO),
            is_correction=key in stand,
            booked_at=now,
        )
        for key, each in wanted.items()
        if key not in stand or rounded(each.quantity) != stand[key]
    ]
    DailyUse.objects.bulk_create(rows, batch_size=BATCH)
    corrected = sum(row.is_correction for row in rows)
    return Booked(len(rows) - corrected, corrected, len(wanted) - len(rows))


def _held(customer_ids: Iterable[int]) -> Mapping[int, Customer]:
    keys = sorted(set(customer_ids))
    rows = Customer.objects.select_for_update().filter(pk__in=keys).order_by("pk")
    found = {each.pk: each for each in rows}
    for key in keys:
        if key not in found:
            raise Refused("customer", f"There is no customer number {key}.")
        if found[key].merged_into_id or found[key].erased_at:
            raise Refused("customer", f"{found[key]} was merged or erased and takes no more.")
    return found


def _check(each: Total, customer: Customer, meters: Mapping[str, Meter], now: datetime) -> None:
    if each.metric not in meters:
        known = ", ".join(sorted(meters)) or "none"
        raise Refused("metric", f"{each.metric!r} is no meter; there are: {known}.")
    if not (each.quantity.is_finite() and 0 <= each.quantity <= LARGEST):
        raise Refused("quantity", f"must be 0 to {LARGEST:,}, not {each.quantity}.")
    today = periods.today_in(customer.time_zone, now)
    if each.day > today:
        raise Refused("day", f"{each.day} is after today, {today}, in {customer.time_zone}.")


# --- Invoices -----------------------------------------------------------------------------------


@transaction.atomic
def issue(customer_id: int, day: date, *, by: str, now: datetime) -> Invoice:
    """Close the month that holds `day` with an invoice; a closed one is found again as it is.

    It is what `reports.preview` answers at that moment, line for line. Months close in their
    order. Raises Refused where the month runs on or an earlier one was left open, and all that a
    preview raises.
    """
    customer = held(customer_id)
    stands = reports.issued(customer, day)
    if stands is not None:
        return stands
    span = periods.month(day)
    today = periods.today_in(customer.time_zone, now)
    if today < span.end:
        raise Refused("period", f"{span.start:%B %Y} runs until {span.end}; today is {today}.")
    if Invoice.objects.filter(customer=customer, period_start__gt=span.start).exists():
        raise Refused("period", f"A month after {span.start:%B %Y} is closed already.")
    found, version = reports.preview(customer, day)
    made = Invoice.objects.create(
        customer=customer,
        version=version,
        digest=version.digest,
        currency=found.currency,
        period_start=span.start,
        period_end=span.end,
        issued_at=now,
        issued_by=by,
        **_written(found),
    )
    Adjustment.objects.bulk_create(
        Adjustment(invoice=made, of_id=each.key, rated=each.total, amount=each.amount)
        for each in found.late
    )
    return made


def _written(found: Statement) -> dict[str, object]:
    return {
        "inputs": found.situation.as_json(),
        "stays": [asdict(each) for each in found.stays],
        "lines": [each.as_json() for each in found.lines],
        "rated": found.rated,
        "total": found.total,
        "carried": found.carried,
    }
