"""Managed keys as metrics."""

from aethercrown.formatting import counted, date_text
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from security.rotation.models import SecretVersion
from security.rotation.reports.status import key_counts

PAGE = "/dashboards/keys"
SOON = "within 7 days, or a quarter of their interval"


def read(query: MetricQuery) -> dict[str, Reading]:
    counts = key_counts(query.now)
    if not counts.keys:
        return dict.fromkeys(("keys.overdue", "keys.due_soon"), unknown("No managed key yet"))
    note = f"of {counted(counts.keys, 'key')}, {counts.failed:,} failed"
    if counts.next_at is not None:
        note += f"; next is {counts.next_key} on {date_text(counts.next_at)}"
    return {
        "keys.overdue": Reading(counts.overdue, note=note),
        "keys.due_soon": Reading(counts.due_soon, note=SOON),
    }


def read_rotated(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    rotated = SecretVersion.objects.filter(current_at__gte=begin, current_at__lt=end).count()
    return {"keys.rotated": Reading(rotated, note="new values that became current")}


def _state(name: str, title: str, definition: str, good: Good) -> Metric:
    unit = MetricUnit.COUNT
    return Metric(f"keys.{name}", title, definition, unit, good, PAGE, read, has_history=False)


METRICS = (
    _state("overdue", "Keys overdue", "Working keys whose next rotation is past.", Good.DOWN),
    _state("due_soon", "Keys due soon", f"Working keys to be rotated {SOON}.", Good.NEITHER),
    Metric(
        "keys.rotated",
        "Rotations",
        "Values of keys that became current in the period.",
        MetricUnit.COUNT,
        Good.NEITHER,
        PAGE,
        read_rotated,
    ),
)
