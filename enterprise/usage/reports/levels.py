"""What clients have used of their limits in the present period."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, OuterRef, Subquery, Sum

from aethercrown.formatting import exact_text
from enterprise.usage.analysis.crossing import Threshold, UsageLevel, reached
from enterprise.usage.metering.metric_kinds import MetricAggregation, MetricKind
from enterprise.usage.metering.months import month_of, months_after, today_in
from enterprise.usage.models import ClientMetric, UsageDay, UsageLimit, UsageMetric
from enterprise.usage.reports import policy, rollups
from revenue.customers import reports as customers

ZERO = Decimal(0)
Key = tuple[int, int]  # customer, metric


@dataclass(frozen=True, slots=True)
class MetricLevel:
    """One metric of a client: what is used in its period, and the limit in force."""

    customer: int
    metric: UsageMetric
    period_start: date | None  # None for gauges, which have one endless period
    used: Decimal
    version: UsageLimit | None
    thresholds: Collection[Threshold]

    @property
    def level(self) -> UsageLevel | None:
        if self.version is None:
            return None
        return UsageLevel(self.used, Decimal(self.version.quantity))

    @property
    def percent(self) -> Decimal | None:
        """In percent of the limit; None without one, and at a limit of 0."""
        return self.level.percent if self.level else None

    @property
    def reached(self) -> Threshold | None:
        """The worst threshold that it is at or above."""
        return reached(self.level, self.thresholds) if self.level else None

    def sentence(self) -> str:
        """How much of the limit is used, for a person."""
        if self.version is None:
            return f"{exact_text(self.used)} {self.metric} used; no limit is set."
        limit = exact_text(Decimal(self.version.quantity))
        share = f" ({exact_text(round(self.percent, 1))}%)" if self.percent is not None else ""
        return f"{exact_text(self.used)} of {limit} {self.metric} used{share}."


def levels_of(customer_ids: Collection[int], now: datetime) -> dict[int, list[MetricLevel]]:
    """By client, every metric with use or a limit, in the order of codes."""
    zones = customers.time_zones(customer_ids)
    months = {key: month_of(today_in(zone, now)) for key, zone in zones.items()}
    limits = policy.limits_in_force(customer_ids, now)
    used = {**used_in_months(months), **last_readings(customer_ids)}
    known = policy.metrics_by_id({key[1] for key in used.keys() | limits.keys()})
    table = policy.thresholds(customer_ids)
    found: dict[int, list[MetricLevel]] = {}
    for key in used.keys() | limits.keys():
        customer, metric = key[0], known[key[1]]
        is_gauge = metric.kind == MetricKind.GAUGE
        found.setdefault(customer, []).append(
            MetricLevel(
                customer,
                metric,
                None if is_gauge else months[customer],
                used.get(key, ZERO),
                limits.get(key),
                table.of(*key),
            )
        )
    for each in found.values():
        each.sort(key=lambda level: level.metric.code)
    return found


def used_in_months(months: Mapping[int, date]) -> dict[Key, Decimal]:
    """What each counter of a client used in the client's month, by its aggregation.

    A metric without events in the month is there with 0.
    """
    found = dict.fromkeys(_counters(months), ZERO)
    for start in set(months.values()):
        mine = [key for key, month in months.items() if month == start]
        end = months_after(start, 1)
        rows = UsageDay.objects.filter(customer__in=mine, day__gte=start, day__lt=end)
        counters = rows.exclude(metric__kind=MetricKind.GAUGE).order_by()
        grouped = counters.values_list("customer_id", "metric_id", "metric__aggregation")
        sums = grouped.annotate(Sum("quantity"), Sum("count"), Max("most"))
        unique = set()
        for customer, metric, aggregation, *figures in sums:
            found[customer, metric] = figure(aggregation, *figures)
            unique |= {metric} if aggregation == MetricAggregation.UNIQUE else set()
        if unique:
            different = rollups.different_values(mine, unique, start, end)
            found |= {key: Decimal(count) for key, count in different.items()}
    return found


def _counters(customer_ids: Iterable[int]) -> list[Key]:
    rows = ClientMetric.objects.filter(customer__in=list(customer_ids))
    counters = rows.filter(metric__kind=MetricKind.COUNTER).order_by()
    return list(counters.values_list("customer_id", "metric_id"))


def figure(aggregation: str, quantity: Decimal, count: int, most: Decimal) -> Decimal:
    """The figure of a counter from the sums of its rollups; 0 of one of different values."""
    figures = {
        MetricAggregation.COUNT: Decimal(count),
        MetricAggregation.MAX: most,
        MetricAggregation.UNIQUE: ZERO,
    }
    return figures.get(MetricAggregation(aggregation), quantity)


def last_readings(customer_ids: Collection[int]) -> dict[Key, Decimal]:
    """The last reading of each gauge of some clients."""
    days = UsageDay.objects.filter(customer=OuterRef("customer"), metric=OuterRef("metric"))
    rows = ClientMetric.objects.filter(customer__in=customer_ids, metric__kind=MetricKind.GAUGE)
    latest = Subquery(days.order_by("-day").values("last")[:1])
    found = rows.annotate(latest=latest).values_list("customer_id", "metric_id", "latest")
    return {(customer, metric): value for customer, metric, value in found if value is not None}


def used_between(customer: int, metric: UsageMetric, start: date, end: date) -> Decimal | None:
    """A metric's figure over some days, of a gauge its last reading; None without events."""
    days = UsageDay.objects.filter(customer=customer, metric=metric, day__gte=start, day__lt=end)
    if metric.kind == MetricKind.GAUGE:
        return days.order_by("-day").values_list("last", flat=True).first()
    if metric.aggregation == MetricAggregation.UNIQUE:
        different = rollups.different_values([customer], [metric.pk], start, end)
        return Decimal(different[customer, metric.pk]) if different else None
    sums = days.aggregate(quantity=Sum("quantity"), count=Sum("count"), most=Max("most"))
    if sums["count"] is None:
        return None
    return figure(metric.aggregation, sums["quantity"], sums["count"], sums["most"])


@dataclass(frozen=True, slots=True)
class UsageSummary:
    """What a client uses now, and which thresholds it is at or above."""

    client_id: str
    at: datetime
    levels: Sequence[MetricLevel]

    def as_dict(self) -> dict[str, Any]:
        """The API's fields; a metric without a limit has no percentage."""
        alerts = [alert_fields(each) for each in self.levels if each.reached]
        return {
            "client_id": self.client_id,
            "timestamp": self.at,
            "usage_percentages": {
                each.metric.code: None if each.percent is None else float(each.percent)
                for each in self.levels
                if each.version is not None
            },
            "without_limit": [each.metric.code for each in self.levels if each.version is None],
            "alerts": alerts,
            "requires_attention": bool(alerts),
        }


def alert_fields(level: MetricLevel) -> dict[str, Any]:
    """A reached threshold in the API's fields; usage_percent is null at a limit of 0."""
    threshold = level.reached
    return {
        "severity": threshold.severity if threshold else "",
        "metric": level.metric.code,
        "usage_percent": None if level.percent is None else float(level.percent),
        "message": level.sentence(),
    }


def summary(client_id: str, customer: int, at: datetime, now: datetime) -> UsageSummary:
    return UsageSummary(client_id, at, levels_of([customer], now).get(customer, []))
