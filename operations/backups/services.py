"""Daily back-ups, their monthly trial, and rows that were held when a back-up was made."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from aethercrown.backup import automation_pause, making, restore_tests, restoring
from aethercrown.backup.hooks import Part
from aethercrown.severity import HIGH
from operations.alerts import services as alerts
from operations.automations.models import Run
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.messaging.models import Message

SOURCE = "backup"
NOT_MADE, NOT_RESTORED, NOT_TRIED = "not made", "not restored", "not tried out"
BACK_UP, TRY_OUT = "operations.back_up", "operations.check_backup"


class NoBackup(Exception):
    """There is none to try out."""


def back_up(context: RunContext) -> RunOutcome:
    """The daily automation: a back-up in BACKUP_FOLDER, and the superfluous ones gone."""
    folder: Path = settings.BACKUP_FOLDER
    if context.dry_run:
        return RunOutcome(f"Would write a back-up into {folder.name}.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = making.make(folder, settings.BACKUP_KEY, context.now)
        gone = making.thin_out(folder)
    except Exception as error:
        _raise(NOT_MADE, f"The daily back-up was not made: {error}", context.now)
        raise
    alerts.resolve(SOURCE, NOT_MADE, "", now=context.now)
    if restore_tests.overdue(context.now):
        _raise(
            NOT_TRIED,
            f"No back-up was tried out in {restore_tests.TOO_OLD.days} days.",
            context.now,
        )
    return RunOutcome(f"{made.name}, {made.stat().st_size:,} bytes; {len(gone)} old ones removed.")


def try_out(context: RunContext) -> RunOutcome:
    """The monthly automation: restore the newest back-up beside, compare, throw it away."""
    path = making.newest(settings.BACKUP_FOLDER)
    if context.dry_run:
        return RunOutcome(f"Would try out {path.name if path else 'nothing: there is no back-up'}.")
    if path is None:
        _raise(NOT_RESTORED, "There is no back-up in BACKUP_FOLDER to try out.", context.now)
        raise NoBackup("There is no back-up in BACKUP_FOLDER to try out.")
    try:
        done = restoring.check(path, settings.BACKUP_KEY)
        restore_tests.note(path.name, done, context.now)
    except Exception as error:
        _raise(NOT_RESTORED, f"The newest back-up was not restored: {error}", context.now)
        raise
    alerts.resolve(SOURCE, NOT_RESTORED, "", now=context.now)
    alerts.resolve(SOURCE, NOT_TRIED, "", now=context.now)
    words = f"{path.name} came back whole in {done.seconds:.1f} s."
    return RunOutcome(words, detail={"seconds": round(done.seconds, 1), "backup": path.name})


@transaction.atomic
def settle(now: datetime, _needs: Any) -> list[str]:
    """Nobody holds anything any more, and automation stands still."""
    runs = Run.objects.filter(state=Run.State.RUNNING).update(
        lease_until=now, attempt=F("attempt") + 1
    )
    letters = Message.objects.filter(state=Message.State.SENDING).update(
        lease_until=now, claims=F("claims") + 1
    )
    automation_pause.begin("Restored from a back-up: look before it acts again.", now)
    held = f"{runs} runs and {letters} messages were under way; nobody holds them any more."
    return [held, "Automation stands still: manage.py resume_automation lets it go on."]


def _raise(kind: str, words: str, now: datetime) -> None:
    alerts.raise_alert(SOURCE, kind, "", HIGH, words, now=now)


PARTS = (Part("operations", settle=settle),)
AUTOMATIONS = (
    AutomationSpec(BACK_UP, "Daily back-up", back_up),
    AutomationSpec(TRY_OUT, "Monthly trial of the back-up", try_out),
)
