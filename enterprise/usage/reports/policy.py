"""What staff have set: the policy, metrics, thresholds and limits in force."""

import itertools
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from aethercrown.db import bulk
from aethercrown.db.compiled_query import CompiledQuery
from aethercrown.search import row_source
from enterprise.usage.analysis.crossing import DEFAULT_THRESHOLDS, Threshold
from enterprise.usage.models import UsageLimit, UsageMetric, UsagePolicy, UsageThreshold

Key = tuple[int, int]  # customer, metric


def usage_policy() -> UsagePolicy:
    """What staff set, or the defaults."""
    return UsagePolicy.objects.filter(pk=1).first() or UsagePolicy(pk=1)


def metrics(codes: Collection[str]) -> dict[str, UsageMetric]:
    """The metrics of these codes that are known."""
    return {each.code: each for each in UsageMetric.objects.filter(code__in=codes)}


class MetricRecord(NamedTuple):
    """What intake needs of a metric."""

    pk: int
    code: str
    kind: str
    aggregation: str


def _records(codes: Any) -> "QuerySet[UsageMetric, Any]":
    rows = UsageMetric.objects.filter(code__in=codes).order_by()
    return rows.values_list(*MetricRecord._fields)


record_by_code = CompiledQuery(_records)
records_by_codes = CompiledQuery(lambda given: _records(bulk.among_each(given[0], str)))


def metric_records(codes: Collection[str]) -> dict[str, MetricRecord]:
    """The metrics of these codes that are known; that of one code costs little."""
    if len(codes) == 1:
        rows = record_by_code.rows(list(codes))
    else:
        rows = records_by_codes.rows(bulk.among(codes, str).params)
    return {found.code: found for found in itertools.starmap(MetricRecord, rows)}


def metrics_by_id(metric_ids: Collection[int]) -> dict[int, UsageMetric]:
    return {each.pk: each for each in UsageMetric.objects.filter(pk__in=metric_ids)}


def limits_in_force(customer_ids: Collection[int], now: datetime) -> dict[Key, UsageLimit]:
    """The limits of some clients at a moment, by client and metric."""
    rows = UsageLimit.objects.filter(customer__in=customer_ids, valid_from__lte=now)
    return {(each.customer_id, each.metric_id): each for each in rows.order_by("valid_from", "pk")}


def thresholds(customer_ids: Collection[int]) -> "ThresholdTable":
    """The thresholds that apply to some clients."""
    rows = UsageThreshold.objects.filter(
        Q(customer__isnull=True) | Q(customer__in=customer_ids)
    ).order_by("percent")
    found: dict[tuple[int | None, int], list[Threshold]] = {}
    for each in rows:
        threshold = Threshold(each.percent.normalize(), each.severity)
        found.setdefault((each.customer_id, each.metric_id), []).append(threshold)
    return ThresholdTable(found)


class ThresholdTable(NamedTuple):
    """Thresholds by client and metric; a client's replace the metric's, and those the default."""

    rows: dict[tuple[int | None, int], list[Threshold]]

    def of(self, customer: int, metric: int) -> Collection[Threshold]:
        for key in ((customer, metric), (None, metric)):
            if key in self.rows:
                return self.rows[key]
        return DEFAULT_THRESHOLDS


def metrics_to_confirm() -> "QuerySet[UsageMetric]":
    return UsageMetric.objects.filter(is_confirmed=False)


SEARCH = row_source(
    "Usage metrics",
    UsageMetric.objects.all,
    ("code", "title"),
    note=lambda metric: metric.code,
    page=lambda _metric: "/dashboards/usage",
)
