"""Book closed days to billing: there is one store of billed use, and it is revenue's."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from enterprise.usage.metering.metric_kinds import MetricAggregation
from enterprise.usage.metering.months import today_in
from enterprise.usage.models import UsageDay, UsageMetric
from enterprise.usage.reports import rollups
from enterprise.usage.services import averages
from revenue.billing.periods import Aggregation
from revenue.billing.services import usage as billing
from revenue.billing.services.usage import DailyTotal
from revenue.customers import reports as customers
from revenue.customers.services import InvalidEntry

BATCH = 500
MAX_ZONE_AHEAD = timedelta(hours=14)  # by which a client's day may end before that of UTC
METER_AGGREGATIONS = {
    MetricAggregation.MAX: Aggregation.MAX,
    MetricAggregation.LAST: Aggregation.LAST,
    MetricAggregation.TIME_WEIGHTED: Aggregation.MEAN,
}  # the others add up; of different values each day has those that are new in its month


def book_closed_days(
    now: datetime, customer_ids: Collection[int] | None = None
) -> tuple[int, list[str]]:
    """Book every closed day that changed since it was booked, late events as corrections.

    With `customer_ids` only theirs.

    Returns how many days, and of those that billing refuses a sentence each; those are tried again
    by the next call.
    """
    if customer_ids is None:
        averages.fill_days(now)
    booked, refused, after = 0, list[str](), 0
    while days := _waiting(after, now, customer_ids):
        after = days[-1].pk
        booked += _book(_closed(days, now), now, refused)
    return booked, refused


def _waiting(after: int, now: datetime, customer_ids: Collection[int] | None) -> list[UsageDay]:
    rows = UsageDay.objects.filter(
        is_booked=False, pk__gt=after, day__lt=(now + MAX_ZONE_AHEAD).date()
    )
    if customer_ids is not None:
        rows = rows.filter(customer__in=customer_ids)
    return list(rows.select_related("metric").order_by("pk")[:BATCH])


def _closed(days: Sequence[UsageDay], now: datetime) -> list[UsageDay]:
    zones = customers.time_zones({each.customer_id for each in days})
    today = {key: today_in(zone, now) for key, zone in zones.items()}
    return [each for each in days if each.day < today[each.customer_id]]


def _book(days: Sequence[UsageDay], now: datetime, refused: list[str]) -> int:
    """Book days at once; where billing refuses one of them, each alone."""
    if not days:
        return 0
    try:
        return _book_together(days, now)
    except InvalidEntry as error:
        if len(days) == 1:
            refused.append(f"{days[0]} of customer {days[0].customer_id}: {error}")
            return 0
    return sum(_book([each], now, refused) for each in days)


@transaction.atomic
def _book_together(days: Sequence[UsageDay], now: datetime) -> int:
    """Lock the days, so that an event that comes meanwhile is booked by the next call."""
    rows = UsageDay.objects.select_for_update(of=("self",)).select_related("metric")
    locked = rows.filter(pk__in=[each.pk for each in days], is_booked=False).order_by(
        "customer", "metric", "day"
    )
    found = list(locked)
    for metric in {each.metric_id: each.metric for each in found}.values():
        _ensure_meter(metric)
    figures = [
        DailyTotal(each.customer_id, each.metric.code, each.day, _figure(each)) for each in found
    ]
    billing.record(figures, now=now)
    UsageDay.objects.filter(pk__in=[each.pk for each in found]).update(is_booked=True)
    return len(found)


def _figure(day: UsageDay) -> Decimal:
    if day.metric.aggregation == MetricAggregation.UNIQUE:
        return Decimal(rollups.new_values(day.customer_id, day.metric_id, day.day))
    return rollups.totals(day).figure(day.metric.aggregation)


def _ensure_meter(metric: UsageMetric) -> None:
    """The meter of billing with the metric's code; one that is there is not changed."""
    aggregation = METER_AGGREGATIONS.get(MetricAggregation(metric.aggregation), Aggregation.SUM)
    billing.ensure_meter(metric.code, title=metric.title, unit=metric.unit, aggregation=aggregation)
