"""Count rollups of gauges and maxima from their events again, where rows were voided.

Sums and counts are merged; the largest and the latest of what is left must be looked for.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from enterprise.usage.metering.metric_kinds import (
    LOOKED_FOR,
    MetricAggregation,
    SpanTotals,
    total,
)
from enterprise.usage.models import UsageDay, UsageEvent, UsageHour, UsageMetric
from enterprise.usage.services import averages
from enterprise.usage.services.voided import live_events
from revenue.customers import reports as customers

ONE_DAY = timedelta(days=1)
TIME_WEIGHTED = MetricAggregation.TIME_WEIGHTED


def rebuild(touched: Collection[tuple[int, int, date]]) -> None:
    """Count the days again, and the hours in them; of other metrics nothing changes."""
    ids = {each[1] for each in touched}
    chosen = UsageMetric.objects.filter(pk__in=ids, aggregation__in=LOOKED_FOR)
    metrics = dict(chosen.values_list("pk", "aggregation"))
    mine = sorted(each for each in touched if each[1] in metrics)
    zones = customers.time_zones({each[0] for each in mine})
    for customer, metric, day in mine:
        _rebuild_day(customer, metric, day, ZoneInfo(zones[customer]))
    averages.refresh([each for each in mine if metrics[each[1]] == TIME_WEIGHTED])


def _rebuild_day(customer: int, metric: int, day: date, zone: ZoneInfo) -> None:
    every = events_of_day(customer, metric, day, zone)
    live = live_events(every)
    _store_day(customer, metric, day, live)
    for hour in sorted({_hour_of(each) for each in every}):
        _store_hour(customer, metric, hour, [each for each in live if _hour_of(each) == hour])


def events_of_day(customer: int, metric: int, day: date, zone: ZoneInfo) -> list[UsageEvent]:
    """Every row that counts in a day, in the order in which they were stored."""
    rows = UsageEvent.objects.filter(
        customer=customer,
        metric=metric,
        occurred_at__gte=datetime.combine(day - ONE_DAY, time.min, zone),
        occurred_at__lt=datetime.combine(day + 2 * ONE_DAY, time.min, zone),
    )
    return [each for each in rows.order_by("pk") if _day_of(each, zone) == day]


def _day_of(row: UsageEvent, zone: ZoneInfo) -> date:
    return row.day or row.occurred_at.astimezone(zone).date()


def _hour_of(row: UsageEvent) -> datetime:
    return row.occurred_at.replace(minute=0, second=0, microsecond=0)


def _store_hour(customer: int, metric: int, hour: datetime, live: Sequence[UsageEvent]) -> None:
    rows = UsageHour.objects.filter(customer=customer, metric=metric, hour=hour)
    if (found := total_of(live)) is None:
        rows.filter(count=0).delete()
    else:
        rows.update(most=found.most, last=found.last, last_at=found.last_at)


def _store_day(customer: int, metric: int, day: date, live: Sequence[UsageEvent]) -> None:
    """A day without events stays, with the reading before it: billing may have it as booked."""
    rows = UsageDay.objects.filter(customer=customer, metric=metric)
    if (found := total_of(live)) is not None:
        rows.filter(day=day).update(
            most=found.most, last=found.last, last_at=found.last_at, is_booked=False
        )
        return
    before = rows.filter(day__lt=day, count__gt=0).order_by("-day").first()
    held = Decimal(0) if before is None else before.last
    rows.filter(day=day, count=0).update(most=Decimal(0), last=held, is_booked=False)


def total_of(live: Sequence[UsageEvent]) -> SpanTotals | None:
    """The largest and the latest of some events; None of none."""
    return total(
        SpanTotals(1, quantity, quantity, quantity, each.occurred_at)
        for each in live
        for quantity in [Decimal(each.quantity)]
    )
