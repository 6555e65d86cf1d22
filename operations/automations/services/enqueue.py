"""Write runs into the ledger: those whose time has come, and those that a person asks for."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from operations.automations import reports, run_rules
from operations.automations.models import Automation, Run
from operations.automations.run_rules import DueRun


class AutomationDisabled(Exception):
    """AUTOMATION_ENABLED is False: nothing starts."""


@transaction.atomic
def enqueue_due_runs(name: str, now: datetime) -> int:
    """Write the runs that came due, under a lock; returns how many will be executed."""
    automation = lock(name)
    if not (automation.is_enabled and settings.AUTOMATION_ENABLED):
        return 0
    correct_future_times(automation, now)
    due_runs = reports.due_runs(automation, now)
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


def correct_future_times(automation: Automation, now: datetime) -> None:
    """Undo what a clock that was ahead wrote: nothing waits until that time has come.

    Planned times in the future that no worker began are deleted, so that they come due when they
    come; those that ran stay, and do not run twice.
    """
    not_begun = Q(state=Run.State.SKIPPED) | Q(state=Run.State.QUEUED, attempt=0)
    reports.ahead(now).filter(not_begun, automation=automation).delete()
    latest = now + max(run_rules.RETRY_DELAYS) + run_rules.AHEAD_AFTER
    waiting = automation.runs.filter(state=Run.State.QUEUED, not_before__gt=latest)
    waiting.update(not_before=now)
    if automation.scheduled_at > now + run_rules.AHEAD_AFTER:
        automation.scheduled_at = now
        Automation.objects.filter(pk=automation.pk).update(scheduled_at=now)
