"""What a backfill would change: days, closed periods with their money, and each row's status."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from enterprise.usage.metering.event_input import ItemStatus
from enterprise.usage.metering.metric_kinds import SpanTotals
from enterprise.usage.metering.months import month_of, today_in
from enterprise.usage.models import UsageBackfill, UsageDay
from enterprise.usage.reports.rollups import totals
from revenue.billing import reports as billing
from revenue.customers import reports as customers
from revenue.pricing.decimals import InvalidValues

DayKey = tuple[int, int, date]  # customer, metric, day
DayTotals = dict[DayKey, SpanTotals]
MAX_LISTED = 1_000  # days and rows in a stored preview
MAX_DECIDED = 50  # days that the decision repeats
MAX_BILLED = 20  # clients whose bills are compared
UNBILLED = (billing.NothingPublished, billing.Tampered, InvalidValues)


@dataclass(frozen=True, slots=True)
class BackfillRange:
    """What a backfill replaces: the events of a client and metric in a span of time."""

    client_id: str
    metric: str
    start: datetime
    end: datetime


class CurrentBill(NamedTuple):
    """A client's bill of the present month; without an amount the reason is said."""

    currency: str
    total: Decimal | None
    reason: str = ""


def days(touched: Collection[DayKey]) -> DayTotals:
    """The stored totals of some days; those without a row are left out."""
    if not touched:
        return {}
    wanted = [each[2] for each in touched]
    rows = UsageDay.objects.filter(
        customer__in={each[0] for each in touched},
        metric__in={each[1] for each in touched},
        day__gte=min(wanted),
        day__lte=max(wanted),
    )
    return {
        key: totals(row)
        for row in rows
        if (key := (row.customer_id, row.metric_id, row.day)) in touched
    }


def closed_months(touched: Iterable[DayKey], now: datetime) -> set[tuple[int, int, date]]:
    """The billing periods before the present one that are touched, by client and metric."""
    listed = list(touched)
    zones = customers.time_zones({each[0] for each in listed})
    return {
        (customer, metric, month_of(day))
        for customer, metric, day in listed
        if month_of(day) < month_of(today_in(zones.get(customer, "UTC"), now))
    }


def current_bill(customer: int, now: datetime) -> CurrentBill:
    """The bill of the present month, which adjusts closed ones."""
    client_id, _, _ = customers.identity(customer)
    try:
        bill = billing.bill(client_id, None, now)
    except UNBILLED as error:
        return CurrentBill("", None, str(error))
    return CurrentBill(bill.currency, bill.total - bill.carried)


def listed(batch: Any) -> list[dict[str, Any]]:
    """Rows that are not stored, with their numbers from 1 and why."""
    refused = (each for each in batch.items if each.status is not ItemStatus.ACCEPTED)
    return [
        {
            "row": each.index + 1,
            "event_id": each.event_id,
            "status": each.status.value,
            "reason": each.reason,
        }
        for each in refused
    ][:MAX_LISTED]


def backfills() -> "QuerySet[UsageBackfill]":
    return UsageBackfill.objects.select_related("customer", "metric")
