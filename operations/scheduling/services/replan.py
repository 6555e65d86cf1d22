"""Plan the open tasks: during a call where there are few, otherwise each minute."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from aethercrown.formatting import counted, share_text
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.scheduling.bottlenecks import duration_text
from operations.scheduling.models import Schedule, Task
from operations.scheduling.planner.plan import make_plan
from operations.scheduling.planner.search import Effort
from operations.scheduling.reports import planning
from operations.scheduling.reports.tasks import OPEN, WAITING
from operations.scheduling.services.assign import push
from operations.scheduling.services.leases import reclaim_expired
from operations.scheduling.services.task_state import BATCH_ROWS

MAX_PLANNED_IN_CALL = 500  # open tasks
CALL_CPU_SECONDS = 0.05  # of planning during a call
AUTOMATION = "operations.assign_tasks"


def replan(now: datetime, effort: Effort | None = None) -> Schedule:
    """Plan and store all open tasks; rows that another call has locked keep their old plan."""
    work = planning.open_work(now)
    planned = make_plan(work.problem, effort=effort or Effort())
    proof = planned.certificate
    _store_starts(
        {
            name: (
                now + timedelta(seconds=start) if slot >= 0 else None,
                work.workers[slot] if slot >= 0 else "",
            )
            for name, start, slot in zip(work.names, planned.start, planned.worker, strict=True)
        }
    )
    row, _ = Schedule.objects.update_or_create(
        pk=1,
        defaults={
            "planned_at": now,
            "task_count": len(work.names),
            "worker_count": len(work.workers),
            "makespan": proof.makespan,
            "lower_bound": proof.lower_bound,
            "gap": proof.gap,
            "binding": proof.binding,
            "bottlenecks": planning.bottlenecks(work, planned),
        },
    )
    return row


def replan_briefly(now: datetime) -> bool:
    """Plan during a call if few tasks are open; False where the next minute's run does it."""
    if Task.objects.filter(status__in=OPEN).count() > MAX_PLANNED_IN_CALL:
        return False
    replan(now, Effort(seconds=CALL_CPU_SECONDS))
    return True


def _store_starts(starts: Mapping[str, tuple[datetime | None, str]]) -> None:
    names = list(starts)
    for first in range(0, len(names), BATCH_ROWS):
        with transaction.atomic():
            part = names[first : first + BATCH_ROWS]
            waiting = Task.objects.filter(task_id__in=part, status__in=WAITING).order_by("pk")
            changed = [
                row
                for row in waiting.select_for_update(skip_locked=True)
                if (row.planned_start, row.planned_worker) != starts[row.task_id]
            ]
            for row in changed:
                row.planned_start, row.planned_worker = starts[row.task_id]
            Task.objects.bulk_update(changed, ["planned_start", "planned_worker"])


def assign_and_replan(now: datetime) -> str:
    """Take back expired leases, push tasks to workers and plan; a summary in words."""
    queued, failed = reclaim_expired(now)
    assigned = push(now)
    made = replan(now)
    gap = "" if made.gap is None else f", at most {share_text(made.gap, 2)} above the least"
    span = (
        "the end is unknown"
        if made.makespan is None
        else f"done in {duration_text(made.makespan)}{gap}"
    )
    return (
        f"After expired leases: {counted(queued, 'task')} queued again, {failed} failed. "
        f"{counted(len(assigned), 'task')} assigned; {counted(made.task_count, 'open task')} "
        f"planned for {counted(made.worker_count, 'worker')}: {span}."
    )


def perform(context: RunContext) -> RunOutcome:
    """One scheduled run; may be repeated."""
    return RunOutcome(assign_and_replan(context.now))


AUTOMATIONS = (AutomationSpec(AUTOMATION, "Task assignment", perform),)
