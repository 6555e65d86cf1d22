"""The queue of AI tasks as metrics."""

from django.db.models import Avg, Count, Q

from aethercrown.formatting import counted
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from operations.scheduling.models import Task
from operations.scheduling.reports.tasks import WAITING

PAGE = "/dashboards/scheduling"


def read(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    waits, ended = Q(status__in=WAITING), Q(completed_at__gte=begin, completed_at__lt=end)
    found = Task.objects.filter(waits | ended).aggregate(
        blocked=Count("pk", filter=Q(status=Task.Status.PENDING)),
        ready=Count("pk", filter=Q(status=Task.Status.QUEUED)),
        completed=Count("pk", filter=ended & Q(status=Task.Status.COMPLETED)),
        failed=Count("pk", filter=ended & Q(status=Task.Status.FAILED)),
        mean=Avg("run_seconds", filter=ended),
    )
    total = found["completed"] + found["failed"]
    none = "No task ended in the period"
    return {
        "tasks.waiting": Reading(
            found["ready"] + found["blocked"],
            note=f"{found['ready']:,} ready, {found['blocked']:,} for another task",
        ),
        "tasks.completed": Reading(found["completed"], note=f"{found['failed']:,} failed"),
        "tasks.success": Reading(
            100 * found["completed"] / total, note=f"of {counted(total, 'task')} that ended"
        )
        if total
        else unknown(none),
        "tasks.run_time": Reading(found["mean"], none),
    }


def _metric(name: str, title: str, definition: str, unit: MetricUnit, good: Good) -> Metric:
    return Metric(f"tasks.{name}", title, definition, unit, good, PAGE, read)


METRICS = (
    Metric(
        "tasks.waiting",
        "Tasks waiting",
        "Tasks without a worker.",
        MetricUnit.COUNT,
        Good.DOWN,
        PAGE,
        read,
        has_history=False,
    ),
    _metric(
        "completed",
        "Tasks completed",
        "Tasks that ended without an error in the period.",
        MetricUnit.COUNT,
        Good.UP,
    ),
    _metric(
        "success",
        "Tasks that succeed",
        "Completed tasks in percent of those that ended in the period.",
        MetricUnit.PERCENT,
        Good.UP,
    ),
    _metric(
        "run_time",
        "Run time of a task",
        "The mean time from start to end of the tasks that ended in the period.",
        MetricUnit.SECONDS,
        Good.DOWN,
    ),
)
