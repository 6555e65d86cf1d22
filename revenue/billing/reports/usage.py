"""Reading daily usage and meters."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import BigIntegerField, Min, Q, Sum

from revenue.billing import periods
from revenue.billing.models import DailyUse, Meter
from revenue.billing.periods import Aggregation, InputGroup, MeterReadings, Month
from revenue.customers.models import Subscription
from revenue.customers.reports import owners_of

BATCH, NOTHING = 10_000, Decimal(0)
CARRIED_FORWARD = [each.value for each in Aggregation if each.carries_forward]


def readings(
    customer_ids: Collection[int],
    first: date,
    end: date,
    *,
    owners: Mapping[int, int] | None = None,
    days_of_sums: bool = True,
) -> dict[int, dict[str, MeterReadings]]:
    """Each customer's meter readings from `first` to before `end`, in one query.

    Readings that carry forward reach back CARRY_FORWARD_DAYS further. Rows of duplicates count
    for the customer that they were merged into (`owners`, where known). Without `days_of_sums`,
    meters that add up are left out.
    """
    since = first - timedelta(days=periods.CARRY_FORWARD_DAYS)
    owners = owners_of(customer_ids, owners)
    rows = DailyUse.objects.filter(
        Q(day__gte=first) | Q(day__gte=since, meter__aggregation__in=CARRIED_FORWARD),
        customer__in=owners,
        day__lt=end,
    ).order_by()
    if not days_of_sums:
        rows = rows.exclude(meter__aggregation=Aggregation.SUM.value)
    grouped = rows.values_list(
        "customer", "meter__code", "meter__input_group", "meter__aggregation", "day"
    )
    found: dict[int, dict[str, MeterReadings]] = {}
    days: dict[tuple[int, str], dict[date, Decimal]] = {}
    totals = grouped.annotate(total=Sum("quantity", output_field=BigIntegerField()))
    for key, code, input_group, aggregation, day, total in totals.iterator(BATCH):
        customer = owners[key]
        by_day = days.get((customer, code))
        if by_day is None:
            by_day = days[customer, code] = {}
            found.setdefault(customer, {})[code] = MeterReadings(
                InputGroup(input_group), Aggregation(aggregation), by_day
            )
        by_day[day] = by_day.get(day, NOTHING) + Decimal(total).scaleb(-6)
    return found


def month_sums(
    customer_ids: Collection[int], span: Month, owners: Mapping[int, int]
) -> dict[int, dict[str, MeterReadings]]:
    """As `readings` of a month, but with the sum of the days of each meter on the first day.

    For customers on one plan for the whole month, where only the sum counts; of merged records
    and of meters that do not add up, every day is read.
    """
    adds_up = Aggregation.SUM.value
    rows = DailyUse.objects.filter(
        customer__in=customer_ids,
        meter__aggregation=adds_up,
        day__gte=span.start,
        day__lt=span.end,
    ).order_by()
    grouped = rows.values_list("customer", "meter__code", "meter__input_group")
    found = readings(customer_ids, *span, owners=owners, days_of_sums=False)
    millionths = Sum("quantity", output_field=BigIntegerField())
    for customer, code, group, total in grouped.annotate(total=millionths).iterator(BATCH):
        days = {span.start: Decimal(total).scaleb(-6)}
        found.setdefault(customer, {})[code] = MeterReadings(
            InputGroup(group), Aggregation.SUM, days
        )
    return found


def daily_totals(keys: Collection[tuple[int, str, date]]) -> dict[tuple[int, str, date], Decimal]:
    """The total of each customer, metric and day that has one."""
    customers = {each[0] for each in keys}
    metrics, days = {each[1] for each in keys}, {each[2] for each in keys}
    if not keys:
        return {}
    rows = DailyUse.objects.filter(
        customer__in=customers, meter__code__in=metrics, day__gte=min(days), day__lte=max(days)
    ).order_by()
    grouped = rows.values_list("customer_id", "meter__code", "day").annotate(Sum("quantity"))
    return {(who, code, day): total for who, code, day, total in grouped.iterator()}


def all_meters() -> dict[str, Meter]:
    return {each.code: each for each in Meter.objects.all()}


def first_days(customer_ids: Collection[int]) -> dict[int, date]:
    """Each customer's first day with a subscription."""
    rows = Subscription.objects.filter(customer__in=customer_ids).order_by()
    return dict(rows.values_list("customer_id").annotate(Min("started_on")))
