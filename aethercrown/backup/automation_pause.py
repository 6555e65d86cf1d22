"""After a restoration nothing runs by itself until a person says so: it may have been done before.

The database's own word, so that every worker on every machine hears it.
"""

from datetime import datetime

from django.db import transaction

from aethercrown.history import attribution, audit_hooks
from aethercrown.models import AutomationPause


def holds() -> bool:
    """Whether automation stands still."""
    return AutomationPause.objects.filter(ended_at=None).exists()


def since() -> AutomationPause | None:
    """The standstill that holds, if one does."""
    return AutomationPause.objects.filter(ended_at=None).order_by("began_at").first()


@transaction.atomic
def begin(because: str, now: datetime) -> None:
    """Let automation stand still; a second reason stands beside the first."""
    AutomationPause.objects.create(because=because[:300], began_at=now)


@transaction.atomic
def end(actor: str, now: datetime) -> int:
    """Let it go on; how many reasons there were."""
    ended = AutomationPause.objects.filter(ended_at=None).update(ended_at=now, ended_by=actor[:200])
    if ended:
        audit_hooks.record(
            stream="admin",
            event="automation.resumed",
            subject="automation",
            actor=actor or attribution.current_actor().actor,
        )
    return ended
