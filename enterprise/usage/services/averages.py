"""Keep the average over time of each day of time-weighted gauges.

A day's reading is held until the next one, so a reading changes its own day and those after it, up
to the next day that has readings of its own. Days without any are added when they are booked.
"""

from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from enterprise.usage.metering import time_weighted
from enterprise.usage.metering.metric_kinds import MetricAggregation
from enterprise.usage.metering.months import today_in
from enterprise.usage.metering.time_weighted import GaugeReading
from enterprise.usage.models import ClientMetric, UsageDay, UsageEvent
from enterprise.usage.services.voided import live_events
from revenue.customers import reports as customers

ONE_DAY = timedelta(days=1)
MAX_HELD = timedelta(days=366)  # for which a reading stands without another one


def refresh(touched: Collection[tuple[int, int, date]]) -> None:
    """Average the touched days again, and those that hold their last readings."""
    zones = customers.time_zones({each[0] for each in touched})
    days: dict[tuple[int, int], set[date]] = {}
    for customer, metric, day in touched:
        days.setdefault((customer, metric), set()).add(day)
    for (customer, metric), mine in sorted(days.items()):
        _refresh(customer, metric, mine, ZoneInfo(zones[customer]))


def _refresh(customer: int, metric: int, touched: set[date], zone: ZoneInfo) -> None:
    rows = UsageDay.objects.filter(customer=customer, metric=metric)
    before = rows.filter(day__lt=min(touched), count__gt=0).order_by("-day").first()
    held = None if before is None else Decimal(before.last)
    left = set(touched)
    for row in rows.filter(day__gte=min(touched)).order_by("day"):
        if row.count:
            average = time_weighted.average(held, readings_of(row, zone), *bounds(row.day, zone))
        else:
            average = held
        if average != row.average or (not row.count and row.last != (held or 0)):
            row.average, row.is_booked = average, False
            row.last = row.last if row.count else held or Decimal(0)
            row.save(update_fields=["average", "is_booked", "last"])
        held = Decimal(row.last) if row.count else held
        if not left and row.count:
            return
        left.discard(row.day)


def readings_of(row: UsageDay, zone: ZoneInfo) -> list[GaugeReading]:
    """The readings that count in a day: those of events that are not taken out."""
    start, end = bounds(row.day, zone)
    events = UsageEvent.objects.filter(
        customer=row.customer_id,
        metric=row.metric_id,
        occurred_at__gte=start,
        occurred_at__lt=end,
    )
    live = live_events(events.order_by("occurred_at", "pk"))
    return [GaugeReading(each.occurred_at, Decimal(each.quantity)) for each in live]


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time.min, zone)
    return start, datetime.combine(day + ONE_DAY, time.min, zone)


def fill_days(now: datetime) -> int:
    """Add the ended days without a reading to gauges that are averaged, so that they are booked."""
    gauges = ClientMetric.objects.filter(metric__aggregation=MetricAggregation.TIME_WEIGHTED)
    keys = list(gauges.values_list("customer_id", "metric_id"))
    zones = customers.time_zones({customer for customer, _ in keys})
    missing = [
        row
        for customer, metric in keys
        for row in _missing(customer, metric, today_in(zones[customer], now))
    ]
    UsageDay.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def _missing(customer: int, metric: int, today: date) -> Iterator[UsageDay]:
    """The days since the first of the last year that have no row, with the value they hold."""
    rows = UsageDay.objects.filter(customer=customer, metric=metric, day__gte=today - MAX_HELD)
    known = list(rows.order_by("day"))
    for row, following in zip(known, [*known[1:], None], strict=True):
        until = today if following is None else min(following.day, today)
        for place in range(1, (until - row.day).days):
            yield UsageDay(
                customer_id=customer,
                metric_id=metric,
                day=row.day + place * ONE_DAY,
                count=0,
                quantity=Decimal(0),
                most=Decimal(0),
                last=row.last,
                last_at=row.last_at,
                average=row.last,
            )
