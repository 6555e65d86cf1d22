"""Reading usage: what staff set, levels of limits, trends, costs, and how far intake lags."""

from enterprise.usage.reports.clients import client_report, personal_data, time_zone
from enterprise.usage.reports.policy import (
    SEARCH,
    MetricRecord,
    limits_in_force,
    metric_records,
    metrics,
    metrics_by_id,
    thresholds,
    usage_policy,
)
