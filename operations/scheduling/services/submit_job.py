"""Submitting many tasks as a job, for callers that do not wait."""

from collections.abc import Mapping, Sequence
from typing import Any

from operations.jobs.registry import JobContext, JobKind
from operations.scheduling.reports import tasks as reports
from operations.scheduling.services.submit import submit
from operations.scheduling.task_spec import AITask

SUBMIT_JOB = "operations.schedule_tasks"
HEAVY_TASKS = 2_000  # more count against the budget of heavy calculations


def job_input(given: Sequence[Mapping[str, Any]], *, is_one: bool) -> dict[str, Any]:
    return {"tasks": [dict(each) for each in given], "is_one": is_one}


def perform(context: JobContext) -> dict[str, Any]:
    """Store the tasks, all or none; those stored already with the same values stay as they are.

    The next minute's run plans them.
    """
    tasks = [AITask(**values) for values in context.input["tasks"]]
    shown = reports.as_dicts(submit(tasks, context.now))
    return {"task": shown[0]} if context.input["is_one"] else {"tasks": shown}


JOB_KIND = JobKind(SUBMIT_JOB, "Schedule tasks", "optimization", "operations.view_task", perform)
