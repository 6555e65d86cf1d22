"""Managed keys as metrics."""

from aethercrown.formatting import counted
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from security.rotation.models import SecretVersion
from security.rotation.reports.status import key_counts

PAGE = "/dashboards/keys"


def read(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    counts = key_counts(query.now)
    rotated = SecretVersion.objects.filter(current_at__gte=begin, current_at__lt=end).count()
    none = unknown("No managed key yet")
    return {
        "keys.overdue": query.state(counts.overdue, f"of {counted(counts.keys, 'key')}")
        if counts.keys
        else none,
        "keys.due_soon": query.state(counts.due_soon, "within 7 days") if counts.keys else none,
        "keys.rotated": Reading(rotated, note="new values that became current"),
    }


def _metric(name: str, title: str, definition: str, good: Good) -> Metric:
    return Metric(f"keys.{name}", title, definition, MetricUnit.COUNT, good, PAGE, read)


METRICS = (
    _metric("overdue", "Keys overdue", "Working keys whose next rotation is past.", Good.DOWN),
    _metric("due_soon", "Keys due soon", "Working keys to be rotated within 7 days.", Good.NEITHER),
    _metric(
        "rotated", "Rotations", "Values of keys that became current in the period.", Good.NEITHER
    ),
)
