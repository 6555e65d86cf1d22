"""Read rollups: days of metrics, and whether hours agree with their events."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import TruncHour

from aethercrown.db import ingest
from enterprise.usage.metering.metric_kinds import MetricAggregation, SpanTotals
from enterprise.usage.metering.months import month_of
from enterprise.usage.models import Rollup, UsageDay, UsageEvent, UsageHour, UsageValue

UNIQUE = MetricAggregation.UNIQUE
HOUR = timedelta(hours=1)


def totals(row: Rollup) -> SpanTotals:
    """A rollup as plain values; the values of a unique metric are counted elsewhere."""
    return SpanTotals(
        row.count,
        Decimal(row.quantity),
        Decimal(row.most),
        Decimal(row.last),
        row.last_at,
        average=getattr(row, "average", None),
    )


def days_of(customer: int, first: date, end: date) -> dict[int, dict[date, Decimal]]:
    """A client's daily figures from `first` to before `end`, by metric."""
    rows = UsageDay.objects.filter(customer=customer, day__gte=first, day__lt=end)
    listed = list(rows.select_related("metric").order_by("day"))
    unique = {row.metric_id for row in listed if row.metric.aggregation == UNIQUE}
    different = _different_by_day(customer, unique, first, end) if unique else {}
    found: dict[int, dict[date, Decimal]] = {}
    for row in listed:
        if row.metric_id in unique:
            figure = Decimal(different.get((row.metric_id, row.day), 0))
        else:
            figure = totals(row).figure(row.metric.aggregation)
        found.setdefault(row.metric_id, {})[row.day] = figure
    return found


def _different_by_day(
    customer: int, metric_ids: Collection[int], first: date, end: date
) -> dict[tuple[int, date], int]:
    rows = _values(first, end).filter(customer=customer, metric__in=metric_ids)
    grouped = rows.values_list("metric_id", "day").annotate(Count("pk"))
    return {(metric, day): count for metric, day, count in grouped}


def _values(first: date, end: date) -> "QuerySet[UsageValue]":
    return UsageValue.objects.filter(day__gte=first, day__lt=end, count__gt=0).order_by()


def different_values(
    customer_ids: Collection[int], metric_ids: Collection[int], first: date, end: date
) -> dict[tuple[int, int], int]:
    """By client and metric, how many different values the days from `first` to `end` have."""
    rows = _values(first, end).filter(customer__in=customer_ids, metric__in=metric_ids)
    grouped = rows.values_list("customer_id", "metric_id")
    counted = grouped.annotate(Count("value", distinct=True))
    return {(customer, metric): count for customer, metric, count in counted}


def new_values(customer: int, metric: int, day: date) -> int:
    """How many values a day has that no earlier day of its month has.

    Added up over a month, they are its different values.
    """
    mine = UsageValue.objects.filter(customer=customer, metric=metric, count__gt=0)
    earlier = mine.filter(day__gte=month_of(day), day__lt=day, value=OuterRef("value"))
    return mine.filter(~Exists(earlier), day=day).count()


def active_days(metric_ids: Collection[int], first: date, end: date) -> dict[int, set[date]]:
    """By metric, the days on which any client sent something: silence on them is a 0.

    Each day is looked up in the index of metrics and days, whatever the number of clients.
    """
    days = [first + timedelta(days=place) for place in range((end - first).days)]
    pairs = [(metric, day.isoformat()) for metric in sorted(metric_ids) for day in days]
    found: dict[int, set[date]] = {}
    for metric, day in ingest.existing(UsageDay, ("metric_id", "day"), pairs):
        found.setdefault(metric, set()).add(date.fromisoformat(str(day)))
    return found


class HourDifference(NamedTuple):
    """An hour whose rollup differs from its events."""

    customer: int
    metric: int
    hour: datetime
    stored: tuple[int, Decimal]
    counted: tuple[int, Decimal]


def hours_touched(since: datetime, until: datetime, earliest: datetime) -> list[datetime]:
    """The hours from `earliest` on of events that were received in a span."""
    rows = UsageEvent.objects.filter(
        received_at__gte=since, received_at__lt=until, occurred_at__gte=earliest
    )
    return hours_of(rows)


def days_touched(since: datetime, until: datetime, earliest: datetime) -> list[date]:
    """The days in which events count that were received in a span."""
    rows = UsageEvent.objects.filter(
        received_at__gte=since, received_at__lt=until, occurred_at__gte=earliest
    )
    days = rows.order_by().values_list("day", flat=True).distinct()
    return sorted(each for each in days if each is not None and each > earliest.date())


def hours_of(rows: "QuerySet[UsageEvent]") -> list[datetime]:
    """The hours in which events lie."""
    hours = rows.order_by().annotate(hour=TruncHour("occurred_at", tzinfo=UTC))
    return sorted(hours.values_list("hour", flat=True).distinct())


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


def day_differences(days: Collection[date]) -> list[tuple[int, int, date]]:
    """The client, metric and day of daily rollups whose sum differs from their events'.

    Only of events that know their day.
    """
    events = UsageEvent.objects.filter(day__in=days).order_by()
    counted = {
        tuple(key): (count, quantity)
        for *key, count, quantity in events.values_list("customer_id", "metric_id", "day").annotate(
            Sum("counts"), Sum("quantity")
        )
    }
    stored = {
        (row.customer_id, row.metric_id, row.day): (row.count, row.quantity)
        for row in UsageDay.objects.filter(day__in=days)
    }
    every = counted.keys() | stored.keys()
    return sorted(key for key in every if counted.get(key, (0, 0)) != stored.get(key, (0, 0)))
