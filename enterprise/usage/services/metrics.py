"""Create metrics and record limits."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from enterprise.usage import reports
from enterprise.usage.metering.metric_kinds import MetricAggregation, MetricKind
from enterprise.usage.models import UsageLimit, UsageMetric
from enterprise.usage.reports import MetricRecord
from enterprise.usage.services import store


def ensure_metrics(codes: Collection[str], now: datetime) -> dict[str, MetricRecord]:
    """The metrics of these codes; an unknown one is created as a counter that staff confirm.

    Where staff closed the list, an unknown one is left out.
    """
    known = reports.metric_records(codes)
    missing = sorted(set(codes) - set(known))
    if not missing or not reports.usage_policy().accept_unknown_metrics:
        return known
    UsageMetric.objects.bulk_create(
        (UsageMetric(code=each, created_at=now) for each in missing), ignore_conflicts=True
    )
    return known | reports.metric_records(missing)


def define_metric(
    code: str, *, title: str, unit: str, kind: MetricKind, now: datetime
) -> UsageMetric:
    """A confirmed metric; an existing one is not changed."""
    is_gauge = kind is MetricKind.GAUGE
    row, _ = UsageMetric.objects.get_or_create(
        code=code,
        defaults={
            "title": title,
            "unit": unit,
            "kind": kind,
            "aggregation": MetricAggregation.LAST if is_gauge else MetricAggregation.SUM,
            "is_confirmed": True,
            "created_at": now,
        },
    )
    return row


@transaction.atomic
def set_limits(
    customer: int,
    limits: Mapping[int, Decimal],
    *,
    valid_from: datetime,
    source: str,
    by: str,
    now: datetime,
) -> int:
    """Record limits by metric; one that is in force already is not repeated. How many are new."""
    store.lock_clients([customer], now)
    in_force = reports.limits_in_force([customer], valid_from)
    rows = [
        UsageLimit(
            customer_id=customer,
            metric_id=metric,
            quantity=quantity,
            valid_from=valid_from,
            source=source,
            recorded_by=by[:200],
            recorded_at=now,
        )
        for metric, quantity in sorted(limits.items())
        if (customer, metric) not in in_force or in_force[customer, metric].quantity != quantity
    ]
    UsageLimit.objects.bulk_create(rows)
    return len(rows)
