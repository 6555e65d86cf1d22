"""Write runs into the ledger: those whose time has come, and those that a person asks for."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from operations.automations import occurrences, run_rules
from operations.automations.models import Automation, Run
from operations.automations.run_rules import DueRun

OPEN_STATES = (Run.State.QUEUED, Run.State.RUNNING)


class AutomationDisabled(Exception):
    """AUTOMATION_ENABLED is False: nothing starts."""


@transaction.atomic
def enqueue_due_runs(name: str, now: datetime) -> int:
    """Write the runs that came due, under a lock; returns how many will be executed."""
    automation = lock(name)
    if not (automation.is_enabled and settings.AUTOMATION_ENABLED):
        return 0
    due_runs = _due_runs(automation, now)
    Run.objects.bulk_create(
        (new_run(automation, each, now) for each in due_runs), ignore_conflicts=True
    )
    return sum(not each.reason for each in due_runs)


@transaction.atomic
def enqueue_manual_run(name: str, now: datetime, trigger: str = Run.Trigger.MANUAL) -> Run:
    """Write a run outside the schedule; a worker executes it as soon as one is free."""
    if not settings.AUTOMATION_ENABLED:
        raise AutomationDisabled("AUTOMATION_ENABLED is False: nothing runs until it is True.")
    run = new_run(lock(name), DueRun(now, trigger), now)
    run.save()
    return run


def lock(name: str) -> Automation:
    """The automation with its schedule, locked until the transaction ends."""
    rows = Automation.objects.select_related("task__interval", "task__crontab")
    return rows.select_for_update(of=("self",)).get(name=name)


def new_run(automation: Automation, due: DueRun, now: datetime) -> Run:
    """The unsaved row of a due run."""
    return Run(
        automation=automation,
        planned_for=due.planned_for,
        trigger=due.trigger,
        state=Run.State.SKIPPED if due.reason else Run.State.QUEUED,
        reason=due.reason,
        not_before=now,
        queued_at=now,
        ended_at=now if due.reason else None,
    )


def _due_runs(automation: Automation, now: datetime) -> list[DueRun]:
    planned = automation.runs.exclude(trigger=Run.Trigger.MANUAL)
    last = planned.order_by("-planned_for").values_list("planned_for", flat=True).first()
    start = automation.scheduled_at
    after = max(start, now - run_rules.CATCH_UP_WINDOW, last or start)
    until = now + occurrences.tolerance(automation.schedule)
    due = occurrences.latest(
        automation.schedule, automation.zone_info, after, until, run_rules.MAX_CATCH_UP_RUNS
    )
    busy = automation.runs.filter(state__in=OPEN_STATES).exists()
    return run_rules.plan_due_runs(due, automation.missed, now, busy=busy)
