"""Reading the stored queue: tasks, workers, the plan and the metrics."""

from operations.scheduling.reports.tasks import (
    ENDED,
    OPEN,
    WAITING,
    all_dependencies,
    all_tasks,
    as_dicts,
    as_submitted,
    assigned_dependencies,
    explain,
    inheriting_tasks,
    learned_durations,
    page,
    primary_keys,
    status_counts,
    task_detail,
)

__all__ = [
    "ENDED",
    "OPEN",
    "WAITING",
    "all_dependencies",
    "all_tasks",
    "as_dicts",
    "as_submitted",
    "assigned_dependencies",
    "explain",
    "inheriting_tasks",
    "learned_durations",
    "page",
    "primary_keys",
    "status_counts",
    "task_detail",
]
