"""Daily back-ups, monthly restore tests, and what a restore does to operations' rows."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from aethercrown.backup import automation_pause, create, hooks, last_restore_test, restore
from aethercrown.backup.hooks import BackupHook
from aethercrown.formatting import counted, duration_text
from aethercrown.severity import HIGH
from operations.alerts import services as alerts
from operations.automations import reports as automations
from operations.automations.models import Run
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.jobs import services as jobs
from operations.messaging.models import Message

SOURCE = "backup"
NOT_MADE, NOT_RESTORED, NOT_TESTED = "not made", "not restored", "not tested"
BACK_UP, TEST_RESTORE = "operations.back_up", "operations.check_backup"


class NoBackup(Exception):
    """There is no back-up to test."""


def back_up(context: RunContext) -> RunOutcome:
    """The daily automation: make a back-up in BACKUP_FOLDER and delete superfluous ones."""
    folder: Path = settings.BACKUP_FOLDER
    if context.dry_run:
        return RunOutcome(f"Would write a back-up into {folder.name}.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = create.create(folder, settings.BACKUP_KEY, context.now)
        deleted = create.apply_retention(folder)
    except Exception as error:
        _raise(NOT_MADE, f"The daily back-up was not made: {error}", context.now)
        raise
    alerts.resolve(SOURCE, NOT_MADE, "", now=context.now)
    if last_restore_test.overdue(context.now):
        most = last_restore_test.max_age(context.now)
        _raise(
            NOT_TESTED,
            f"The restore test is overdue: there was none in {most.days} days.",
            context.now,
        )
    size = path.stat().st_size
    return RunOutcome(f"{path.name}, {size:,} bytes; {len(deleted)} old ones deleted.")


def run_restore_test(context: RunContext) -> RunOutcome:
    """The monthly automation: restore the newest back-up elsewhere, compare, and delete it."""
    path = create.newest(settings.BACKUP_FOLDER, context.now)
    if context.dry_run:
        return RunOutcome(f"Would test {path.name if path else 'nothing: there is no back-up'}.")
    if path is None:
        _raise(NOT_RESTORED, "There is no back-up in BACKUP_FOLDER to test.", context.now)
        raise NoBackup("There is no back-up in BACKUP_FOLDER to test.")
    try:
        done = restore.check(path, settings.BACKUP_KEY)
        last_restore_test.record(path.name, done, context.now)
    except Exception as error:
        _raise(NOT_RESTORED, f"The newest back-up was not restored: {error}", context.now)
        raise
    alerts.resolve(SOURCE, NOT_RESTORED, "", now=context.now)
    alerts.resolve(SOURCE, NOT_TESTED, "", now=context.now)
    summary = f"{path.name} was restored without a difference in {duration_text(done.seconds)}."
    return RunOutcome(summary, detail={"seconds": round(done.seconds, 1), "backup": path.name})


def tests_apart(now: datetime) -> timedelta:
    """The longest time between two scheduled restore tests."""
    return automations.longest_wait(TEST_RESTORE, now)


@transaction.atomic
def finalize_restore(now: datetime, _needs: Any) -> list[str]:
    """Void the leases of runs and messages, and end open jobs; automation stays paused."""
    runs = Run.objects.filter(state=Run.State.RUNNING).update(
        lease_until=now, attempt=F("attempt") + 1
    )
    messages = Message.objects.filter(state=Message.State.SENDING).update(
        lease_until=now, claims=F("claims") + 1
    )
    if not automation_pause.is_paused():  # the restore has paused it before the swap
        automation_pause.begin(restore.PAUSE_REASON, now)
    ended = jobs.cancel_restored(now)
    notes = [f"{counted(runs, 'run')} and {counted(messages, 'message')} are retried."]
    if ended:
        notes.append(f"{counted(ended, 'open job')} ended: start it again if it is still wanted.")
    return [*notes, "Automation is paused: `./manage.py resume_automation` resumes it."]


def _raise(kind: str, message: str, now: datetime) -> None:
    alerts.raise_alert(SOURCE, kind, "", HIGH, message, now=now)


BACKUP_HOOK = BackupHook("operations", finalize=finalize_restore)


def register_hooks() -> None:
    """Let back-ups call this app, and know how far its restore tests are apart."""
    hooks.registered.register(BACKUP_HOOK)
    last_restore_test.schedules[:] = [tests_apart]


AUTOMATIONS = (
    AutomationSpec(BACK_UP, "Daily back-up", back_up),
    AutomationSpec(TEST_RESTORE, "Monthly restore test of the back-up", run_restore_test),
)
