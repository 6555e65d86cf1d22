"""Tasks to submit, and what is stored of them."""

from datetime import UTC, datetime, timedelta

from operations.scheduling.models import Task
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, TaskPriority

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def later(seconds):
    return NOON + timedelta(seconds=seconds)


def ai(name, *needs, kind="train", priority=TaskPriority.MEDIUM, seconds=60.0):
    return AITask(name, kind, priority, seconds, needs)


def submit(*tasks, now=NOON):
    return submission.submit(tasks, now)


def statuses():
    return dict(Task.objects.order_by("pk").values_list("task_id", "status"))


def given(rows):
    return [(row.worker.name, row.task_id) for row in rows]
