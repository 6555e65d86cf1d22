"""How old the last proof is that a back-up comes back."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from aethercrown.backup import standstill
from aethercrown.doctor import CAUTION, GOOD, Finding, Look
from operations.automations.models import Run

TRY_OUT = "operations.check_backup"
TOO_OLD = timedelta(days=35)


def tried_out_at() -> datetime | None:
    """When a back-up last came back whole."""
    done = Run.objects.filter(automation__name=TRY_OUT, state=Run.State.DONE)
    return done.order_by("-ended_at").values_list("ended_at", flat=True).first()


def findings(now: datetime) -> Iterator[Finding]:
    """The doctor's view: the last trial, and whether automation stands still."""
    last = tried_out_at()
    mend = "manage.py run_automation --only operations.back_up --only operations.check_backup"
    if last is None:
        yield Finding(CAUTION, "No back-up was ever tried out.", mend)
    elif now - last > TOO_OLD:
        told = f"The last back-up was tried out {(now - last).days} days ago."
        yield Finding(CAUTION, told, mend)
    else:
        yield Finding(GOOD, f"A back-up came back whole {(now - last).days} days ago.")
    reason = standstill.since()
    if reason is not None:
        told = f"Automation stands still since {reason.began_at:%Y-%m-%d %H:%M} UTC: {reason}"
        yield Finding(CAUTION, told, "manage.py resume_automation")


LOOK = Look("backup", "Back-up", lambda: findings(timezone.now()))
