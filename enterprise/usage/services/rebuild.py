"""Count rollups of gauges and maxima from their events again, where rows were voided.

Sums and counts are merged; the largest and the latest of what is left must be looked for.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model

from enterprise.usage.metric_kinds import MetricAggregation, SpanTotals, total
from enterprise.usage.models import UsageDay, UsageEvent, UsageHour, UsageMetric
from revenue.customers import reports as customers

HOUR = timedelta(hours=1)
VOIDS = "backfill"
LOOKED_FOR = (MetricAggregation.MAX, MetricAggregation.LAST)


def rebuild(touched: Collection[tuple[int, int, date]]) -> None:
    """Count the days again, and the hours in them; of other metrics nothing changes."""
    ids = {each[1] for each in touched}
    metrics = set(
        UsageMetric.objects.filter(pk__in=ids, aggregation__in=LOOKED_FOR).values_list(
            "pk", flat=True
        )
    )
    zones = customers.time_zones({each[0] for each in touched})
    for customer, metric, day in sorted(touched):
        if metric in metrics:
            _rebuild_day(customer, metric, day, ZoneInfo(zones[customer]))


def _rebuild_day(customer: int, metric: int, day: date, zone: ZoneInfo) -> None:
    start = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    first = start.replace(minute=0)  # a zone may begin its days within an hour of UTC
    rows = UsageEvent.objects.filter(
        customer=customer,
        metric=metric,
        occurred_at__gte=first - HOUR,
        occurred_at__lt=end + HOUR,
    )
    live = list(live_events(rows.order_by("occurred_at", "pk")))
    inside = [each for each in live if start <= each.occurred_at < end]
    key = {"customer": customer, "metric": metric}
    _store(UsageDay, {**key, "day": day}, inside, is_booked=False)
    hours = {each.replace(minute=0, second=0, microsecond=0) for each in _times(rows, start, end)}
    for hour in sorted(hours):
        mine = [each for each in live if hour <= each.occurred_at < hour + HOUR]
        _store(UsageHour, {**key, "hour": hour}, mine)


def _times(rows: Any, start: datetime, end: datetime) -> list[datetime]:
    found = rows.filter(occurred_at__gte=start, occurred_at__lt=end)
    return list(found.order_by().values_list("occurred_at", flat=True))


def live_events(rows: Iterable[UsageEvent]) -> list[UsageEvent]:
    """The events that are not voided."""
    listed = list(rows)
    counts: dict[str, int] = {}
    for each in listed:
        root = each.corrects if each.source == VOIDS else each.event_id
        counts[root] = counts.get(root, 0) + each.counts
    return [each for each in listed if each.source != VOIDS and counts[each.event_id] > 0]


def _store(model: type[Model], key: dict[str, Any], live: list[UsageEvent], **more: Any) -> None:
    rows: Any = model._default_manager.filter(**key)  # noqa: SLF001 - documented
    found = total(
        SpanTotals(1, quantity, quantity, quantity, each.occurred_at)
        for each in live
        for quantity in [Decimal(each.quantity)]
    )
    if found is None:
        rows.filter(count=0).delete()
        return
    rows.update(most=found.most, last=found.last, last_at=found.last_at, **more)
