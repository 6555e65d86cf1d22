"""Plan the open tasks: during a call where there are few, otherwise each minute."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from aethercrown.db import bulk
from aethercrown.formatting import counted, duration_text, share_text
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.scheduling.models import Schedule, Task
from operations.scheduling.planner.plan import TaskPlan, make_plan
from operations.scheduling.planner.search import Effort
from operations.scheduling.reports import planning
from operations.scheduling.reports.planning import OpenTask, OpenWork
from operations.scheduling.reports.tasks import OPEN, WAITING
from operations.scheduling.services import propagate
from operations.scheduling.services.assign import push
from operations.scheduling.services.leases import correct_places, reclaim_expired, shorten_leases
from operations.scheduling.services.propagate import Pace

MAX_STORED_STARTS = 5_000  # in one call
STORED_ROWS = 100  # in one transaction: a call that assigns waits for it
MIN_MOVE = timedelta(minutes=1)  # of a planned start that is worth a write
SOON = timedelta(hours=1)  # in which a change of the worker alone is
MAX_PLANNED_IN_CALL = 500  # open tasks
CALL_CPU_SECONDS = 0.05  # of planning during a call
AUTOMATION = "operations.assign_tasks"


def replan(now: datetime, effort: Effort | None = None) -> Schedule:
    """Plan and store all open tasks; rows that another call has locked keep their old plan."""
    work = planning.open_work(now)
    planned = make_plan(work.problem, effort=effort or Effort())
    proof = planned.certificate
    _store_starts(work, planned, now)
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


def replan_briefly(now: datetime, most: int = MAX_PLANNED_IN_CALL) -> bool:
    """Plan during a call if few tasks are open; False where the next minute's run does it."""
    if Task.objects.filter(status__in=OPEN).count() > most:
        return False
    replan(now, Effort(seconds=CALL_CPU_SECONDS))
    return True


def _store_starts(work: OpenWork, planned: TaskPlan, now: datetime) -> None:
    """Store the starts that changed, the earliest first.

    At most MAX_STORED_STARTS in one call, in short transactions: the next one goes on.
    """
    starts = {}
    for row, start, slot in zip(work.tasks, planned.start, planned.worker, strict=True):
        at = now + timedelta(seconds=start) if slot >= 0 else None
        worker = work.workers[slot] if slot >= 0 else ""
        if row.status in WAITING and has_moved(row, at, worker, now):
            starts[row.pk] = (at, worker)

    def store(batch: Sequence[int]) -> None:
        waiting = Task.objects.filter(pk__in=bulk.among(batch), status__in=WAITING).order_by("pk")
        keys = waiting.select_for_update(skip_locked=True).values_list("pk", flat=True)
        rows = [(*stamped(*starts[key]), key) for key in keys]
        bulk.update(Task, ["planned_start", "planned_worker"], ["id"], rows)

    first = sorted(starts, key=lambda key: (starts[key][0] or now, key))[:MAX_STORED_STARTS]
    propagate.run_batches(first, store, Pace(rows=STORED_ROWS))


def stamped(at: datetime | None, worker: str) -> tuple[object, str]:
    """A planned start and worker as the driver takes them."""
    return at and bulk.stamp(at), worker


def has_moved(row: OpenTask, at: datetime | None, worker: str, now: datetime) -> bool:
    """Whether the plan of a task has changed by more than a minute, or its worker soon."""
    if row.planned_start is None or at is None:
        return row.planned_start != at
    is_soon = at - now < SOON
    return abs(row.planned_start - at) >= MIN_MOVE or (is_soon and row.planned_worker != worker)


def assign_and_replan(now: datetime) -> str:
    """Take back expired leases, push tasks to workers and plan; a summary in words."""
    shorten_leases(now)
    correct_places(now)
    queued, failed = reclaim_expired(now)
    propagate.resume(now)
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
