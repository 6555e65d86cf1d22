"""How long ago a back-up was last restored as a test."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from aethercrown.backup import automation_pause, last_restore_test
from aethercrown.formatting import counted, moment_text
from aethercrown.monitoring.doctor import CAUTION, GOOD, DoctorCheck, Finding


def findings(now: datetime) -> Iterator[Finding]:
    """For the doctor: the last restore test, and whether automation is paused."""
    last = last_restore_test.last(now)
    fix = "./manage.py run_automation --only operations.back_up --only operations.check_backup"
    if last is None:
        yield Finding(CAUTION, "No back-up was ever restored as a test.", fix)
    elif last_restore_test.overdue(now):
        message = f"The last restore test was {counted((now - last.at).days, 'day')} ago."
        yield Finding(CAUTION, message, fix)
    else:
        days = counted((now - last.at).days, "day")
        yield Finding(GOOD, f"A back-up was restored as a test {days} ago.")
    reason = automation_pause.current()
    if reason is not None:
        message = f"Automation is paused since {moment_text(reason.began_at)}: {reason}"
        yield Finding(CAUTION, message, "./manage.py resume_automation")


LOOK = DoctorCheck("backup", "Back-up", lambda: findings(timezone.now()))
