"""What a backfill would change: days, closed periods with their money, and each row's status."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from enterprise.usage.event_input import ItemStatus
from enterprise.usage.models import UsageBackfill, UsageDay
from enterprise.usage.months import month_of, today_in
from enterprise.usage.reports import policy
from revenue.billing import reports as billing
from revenue.customers import reports as customers
from revenue.pricing.decimals import InvalidValues

DayKey = tuple[int, int, date]  # customer, metric, day
DayTotals = dict[DayKey, tuple[int, Decimal]]
MAX_LISTED = 1_000  # days and rows in a stored preview
MAX_BILLED = 20  # clients whose bills are compared
UNBILLED = (billing.NothingPublished, billing.Tampered, InvalidValues)
Bills = dict[int, tuple[str, Decimal | None, str]]  # currency, total, why there is none


def days(touched: Collection[DayKey]) -> DayTotals:
    """The stored count and sum of some days; those without a row are left out."""
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
        key: (row.count, Decimal(row.quantity))
        for row in rows
        if (key := (row.customer_id, row.metric_id, row.day)) in touched
    }


def compared(before: DayTotals, after: DayTotals) -> list[dict[str, Any]]:
    """The days that change: before, after and difference of the sum and the number of events."""
    known = policy.metrics_by_id()
    nothing = (0, Decimal(0))
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, nothing), after.get(key, nothing)
        if old != new:
            found.append(
                {
                    "customer": key[0],
                    "metric": known[key[1]].code,
                    "day": key[2].isoformat(),
                    "before": old[1],
                    "after": new[1],
                    "difference": new[1] - old[1],
                    "events": new[0] - old[0],
                }
            )
    return found[:MAX_LISTED]


def closed_months(touched: Iterable[DayKey], now: datetime) -> list[dict[str, Any]]:
    """The billing periods before the present one that are touched, by client and metric."""
    listed = list(touched)
    zones = customers.time_zones({each[0] for each in listed})
    known = policy.metrics_by_id()
    found = {
        (customer, metric, month_of(day))
        for customer, metric, day in listed
        if month_of(day) < month_of(today_in(zones[customer], now))
    }
    return [
        {"customer": customer, "metric": known[metric].code, "period_start": month.isoformat()}
        for customer, metric, month in sorted(found)
    ]


def bills(customer_ids: Collection[int], now: datetime) -> Bills:
    """The bills of the present month, which adjust closed ones, of the first few clients."""
    found: Bills = {}
    for key in sorted(customer_ids)[:MAX_BILLED]:
        client_id, _, _ = customers.identity(key)
        try:
            bill = billing.bill(client_id, None, now)
        except UNBILLED as error:
            found[key] = "", None, str(error)
        else:
            found[key] = bill.currency, bill.total - bill.carried, ""
    return found


def changed_bills(before: Mapping[int, tuple[str, Decimal | None, str]], now: datetime) -> Any:
    """By client, what the adjustments of closed periods bill or credit; null with the reason."""
    after = bills(before, now)
    return [
        {
            "customer": key,
            "currency": currency,
            "amount": None if total is None or after[key][1] is None else after[key][1] - total,  # type: ignore[operator]  # both are known
            "reason": reason,
        }
        for key, (currency, total, reason) in before.items()
    ]


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
