"""The pause of all automation after a restore, until a person ends it.

What is due in restored rows may have been done already. The pause is a row, so that every worker
on every machine sees it.
"""

from datetime import datetime

from django.db import DatabaseError, transaction
from django.db.models import Max

from aethercrown.history import attribution, audit_hooks
from aethercrown.models import AutomationPause

INTERRUPTED = "A restore did not come to its end: run it again before automation resumes."
# for a restored database that no connection of Django's has yet; {} is the driver's placeholder
PAUSE = "INSERT INTO aethercrown_automationpause (because, began_at, ended_by) VALUES ({}, {}, {})"


def is_paused() -> bool:
    """Whether automation is paused."""
    return AutomationPause.objects.filter(ended_at=None).exists()


def current() -> AutomationPause | None:
    """The oldest pause that has not ended."""
    return AutomationPause.objects.filter(ended_at=None).order_by("began_at").first()


def since() -> datetime | None:
    """When the newest pause that has not ended began; what was asked for before it must wait."""
    open_pauses = AutomationPause.objects.filter(ended_at=None)
    began: datetime | None = open_pauses.aggregate(newest=Max("began_at"))["newest"]
    return began


def ended_at() -> datetime | None:
    """When the last pause ended; None if there was none."""
    ended: datetime | None = AutomationPause.objects.aggregate(last=Max("ended_at"))["last"]
    return ended


@transaction.atomic
def begin(because: str, now: datetime) -> None:
    """Pause automation; a second pause is added to the first."""
    AutomationPause.objects.create(because=because[:300], began_at=now)


def is_because(reason: str) -> bool:
    """Whether an open pause has that reason; False for a database without the table."""
    try:
        return AutomationPause.objects.filter(ended_at=None, because=reason).exists()
    except DatabaseError:
        return False


def explain(former: str, because: str) -> None:
    """Give the open pauses with that reason another one."""
    AutomationPause.objects.filter(ended_at=None, because=former).update(because=because)


@transaction.atomic
def end(actor: str, now: datetime) -> int:
    """End every pause; the number of pauses ended."""
    ended = AutomationPause.objects.filter(ended_at=None).update(ended_at=now, ended_by=actor[:200])
    if ended:
        audit_hooks.record(
            stream="admin",
            event="automation.resumed",
            subject="automation",
            actor=actor or attribution.current_actor().actor,
        )
    return ended
