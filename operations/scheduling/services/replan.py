"""The queue is planned anew: while a caller waits where it is short, else each minute."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from operations.automations.registry import Automation, Occasion, Outcome
from operations.scheduling import services as tasks
from operations.scheduling.bottlenecks import spoken
from operations.scheduling.models import Schedule, Task
from operations.scheduling.planner.plan import plan
from operations.scheduling.planner.search import Effort
from operations.scheduling.reports import WAITING, planning

BATCH = 1_000
PLANNED_AT_ONCE = 500  # open tasks that are planned while the caller waits
BRIEFLY = 0.05  # CPU seconds for that
AUTOMATION = "operations.assign_tasks"


# --- Planning -----------------------------------------------------------------------------------
def replan(now: datetime, effort: Effort | None = None) -> Schedule:
    """Plan all open tasks, note on each when and where it should start, and how good that is.

    The search runs before any lock is taken; rows that another call holds keep their old plan.
    """
    seen = planning.ahead(now)
    made = plan(seen.work, effort=effort or Effort())
    proof = made.certificate
    starts = {
        name: (
            now + timedelta(seconds=start) if hand >= 0 else None,
            seen.hands[hand] if hand >= 0 else "",
        )
        for name, start, hand in zip(seen.names, made.start, made.worker, strict=True)
    }
    _note(starts)
    row, _ = Schedule.objects.update_or_create(
        pk=1,
        defaults={
            "made_at": now,
            "tasks": len(seen.names),
            "workers": len(seen.hands),
            "makespan": proof.makespan,
            "lower_bound": proof.lower_bound,
            "gap": proof.gap,
            "binding": proof.binding,
            "bottlenecks": planning.held_up_by(seen, made),
        },
    )
    return row


def replan_briefly(now: datetime) -> bool:
    """Plan while a caller waits, if there is little to plan; else the next minute does it."""
    if planning.open_tasks() > PLANNED_AT_ONCE:
        return False
    replan(now, Effort(seconds=BRIEFLY))
    return True


def _note(starts: Mapping[str, tuple[datetime | None, str]]) -> None:
    names = list(starts)
    for first in range(0, len(names), BATCH):
        with transaction.atomic():
            part = Task.objects.filter(task_id__in=names[first : first + BATCH], status__in=WAITING)
            rows = list(part.order_by("pk").select_for_update(skip_locked=True))
            changed = [
                row
                for row in rows
                if (row.planned_start, row.planned_worker) != starts[row.task_id]
            ]
            for row in changed:
                row.planned_start, row.planned_worker = starts[row.task_id]
            Task.objects.bulk_update(changed, ["planned_start", "planned_worker"])


# --- By itself ----------------------------------------------------------------------------------
def sweep(now: datetime) -> str:
    """Take back lapsed leases, give work to those who get it unasked, and plan what is open."""
    again, failed = tasks.reclaim(now)
    given = tasks.push(now)
    made = replan(now)
    gap = "" if made.gap is None else f", at most {100 * made.gap:.2f} % above the least"
    span = "no end in sight" if made.makespan is None else f"done in {spoken(made.makespan)}{gap}"
    return (
        f"{again} leases lapsed and {failed} tasks failed by it; {len(given)} tasks given; "
        f"{made.tasks} open tasks planned for {made.workers} workers: {span}."
    )


def perform(occasion: Occasion) -> Outcome:
    """One scheduled run; repeating it does no harm."""
    return Outcome(sweep(occasion.now))


AUTOMATIONS = (Automation(AUTOMATION, "Task assignment", perform),)
