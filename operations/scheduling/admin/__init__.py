"""Tasks, learned durations, workers and pools in the admin."""

from operations.scheduling.admin.tasks import TaskAdmin, TaskDurationStatsAdmin
from operations.scheduling.admin.workers import PoolAdmin, WorkerAdmin

__all__ = ["PoolAdmin", "TaskAdmin", "TaskDurationStatsAdmin", "WorkerAdmin"]
