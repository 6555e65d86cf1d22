"""How old the last proof is that a back-up comes back."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from aethercrown.backup import automation_pause, restore_tests
from aethercrown.monitoring.doctor import CAUTION, GOOD, Finding, Look


def findings(now: datetime) -> Iterator[Finding]:
    """The doctor's view: the last trial, and whether automation stands still."""
    last = restore_tests.last()
    mend = "manage.py run_automation --only operations.back_up --only operations.check_backup"
    if last is None:
        yield Finding(CAUTION, "No back-up was ever tried out.", mend)
    elif restore_tests.overdue(now):
        told = f"The last back-up was tried out {(now - last.at).days} days ago."
        yield Finding(CAUTION, told, mend)
    else:
        yield Finding(GOOD, f"A back-up came back whole {(now - last.at).days} days ago.")
    reason = automation_pause.since()
    if reason is not None:
        told = f"Automation stands still since {reason.began_at:%Y-%m-%d %H:%M} UTC: {reason}"
        yield Finding(CAUTION, told, "manage.py resume_automation")


LOOK = Look("backup", "Back-up", lambda: findings(timezone.now()))
