"""Read rollups: days of metrics, and whether hours agree with their events."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from enterprise.usage.metric_kinds import SpanTotals
from enterprise.usage.models import Rollup, UsageDay, UsageEvent, UsageHour

HOUR = timedelta(hours=1)


def totals(row: Rollup) -> SpanTotals:
    """A rollup as plain values."""
    return SpanTotals(
        row.count, Decimal(row.quantity), Decimal(row.most), Decimal(row.last), row.last_at
    )


def days_of(customer: int, first: date, end: date) -> dict[int, dict[date, Decimal]]:
    """A client's daily figures from `first` to before `end`, by metric."""
    rows = UsageDay.objects.filter(customer=customer, day__gte=first, day__lt=end)
    found: dict[int, dict[date, Decimal]] = {}
    for row in rows.select_related("metric").order_by("day"):
        found.setdefault(row.metric_id, {})[row.day] = totals(row).figure(row.metric.aggregation)
    return found


def active_days(metric_ids: Collection[int], first: date, end: date) -> dict[int, set[date]]:
    """By metric, the days on which any client sent something: silence on them is a 0."""
    rows = UsageDay.objects.filter(metric__in=metric_ids, day__gte=first, day__lt=end).order_by()
    found: dict[int, set[date]] = {}
    for metric, day in rows.values_list("metric_id", "day").distinct():
        found.setdefault(metric, set()).add(day)
    return found


class HourDifference(NamedTuple):
    """An hour whose rollup differs from its events."""

    customer: int
    metric: int
    hour: datetime
    stored: tuple[int, Decimal]
    counted: tuple[int, Decimal]


def hours_touched(since: datetime, until: datetime) -> list[datetime]:
    """The hours of events that were received in a span."""
    rows = UsageEvent.objects.filter(received_at__gte=since, received_at__lt=until).order_by()
    times = rows.values_list("occurred_at", flat=True).iterator(10_000)
    return sorted({each.replace(minute=0, second=0, microsecond=0) for each in times})


def differences(hours: Iterable[datetime]) -> Iterator[HourDifference]:
    """Compare whole hours with their events, in count and sum."""
    for hour in hours:
        events = UsageEvent.objects.filter(occurred_at__gte=hour, occurred_at__lt=hour + HOUR)
        grouped = events.order_by().values_list("customer_id", "metric_id")
        counted = {
            (customer, metric): (count, quantity)
            for customer, metric, count, quantity in grouped.annotate(
                Sum("counts"), Sum("quantity")
            )
        }
        stored = {
            (row.customer_id, row.metric_id): (row.count, row.quantity)
            for row in UsageHour.objects.filter(hour=hour)
        }
        for key in sorted(counted.keys() | stored.keys()):
            mine, theirs = stored.get(key, (0, 0)), counted.get(key, (0, 0))
            if mine != theirs:
                yield HourDifference(key[0], key[1], hour, mine, theirs)
