"""Usage over all clients: each client's metrics, events by day, what nobody has confirmed."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, FloatField, QuerySet, Sum, Value
from django.db.models.functions import Cast, Coalesce, NullIf

from aethercrown.metrics.period import Period
from enterprise.usage.models import (
    ClientMetric,
    UsageAdjustment,
    UsageAlert,
    UsageBackfill,
    UsageDay,
    UsageMetric,
)
from enterprise.usage.reports import policy

METRIC_NAME = Coalesce(NullIf("metric__title", Value("")), "metric__code")  # as people read it


def client_metrics() -> "QuerySet[ClientMetric]":
    """Metrics of clients with `metric_name`, and `percent` of their limit, as last evaluated."""
    used, limit = (Cast(name, FloatField()) for name in ("used", "limit"))
    rows = ClientMetric.objects.select_related("customer", "metric")
    return rows.annotate(percent=100.0 * used / NullIf(limit, 0.0), metric_name=METRIC_NAME)


def metrics_of(customer: int) -> "QuerySet[Any]":
    """A client's metrics, those nearest to their limit first."""
    nearest = F("percent").desc(nulls_last=True)
    return client_metrics().filter(customer=customer).order_by(nearest, "metric__code")


def listed_metrics() -> "QuerySet[ClientMetric]":
    """One row for each metric that a client uses, for the choices of a filter."""
    return ClientMetric.objects.annotate(metric_name=METRIC_NAME)


def events_by_day(period: Period) -> tuple[list[date], list[int | None]]:
    """Each day of the period with its number of events; None before the first one of all."""
    rows = UsageDay.objects.filter(day__gte=period.first, day__lte=period.last).order_by()
    counts = dict(rows.values_list("day").annotate(Sum("count")))
    first = min(counts, default=period.last)
    days = [period.first + timedelta(days=place) for place in range(period.days)]
    return days, [counts.get(day, 0 if day > first else None) for day in days]


def unconfirmed_metrics() -> "list[tuple[UsageMetric, int]]":
    """Metrics that staff have not confirmed, each with its number of clients."""
    rows = ClientMetric.objects.filter(metric__is_confirmed=False).order_by()
    clients = dict(rows.values_list("metric_id").annotate(Count("customer")))
    return [(each, clients.get(each.pk, 0)) for each in policy.metrics_to_confirm()[:50]]


def alerts_of(customer: int | None = None) -> "QuerySet[Any]":
    rows = UsageAlert.objects.select_related("customer", "metric").annotate(metric_name=METRIC_NAME)
    return rows if customer is None else rows.filter(customer=customer)


def adjustments_of(customer: int) -> "QuerySet[UsageAdjustment]":
    return UsageAdjustment.objects.filter(customer=customer).select_related("metric")


def newest_backfills(most: int = 10) -> "list[UsageBackfill]":
    return list(UsageBackfill.objects.order_by("-previewed_at", "-pk")[:most])


def client_days(customer: int, metric: int, first: date, last: date) -> list[Any]:
    """The daily rollups of one metric of a client, in order."""
    rows = UsageDay.objects.filter(customer=customer, metric=metric, day__gte=first, day__lte=last)
    return list(rows.order_by("day"))
