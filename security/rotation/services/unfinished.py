"""Resume rotations that crashed or wait for a retry, and end old values whose grace is over."""

from dataclasses import replace
from datetime import datetime

from django.db.models import Q

from aethercrown.backup import automation_pause
from security.rotation import reports
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services import execute, steps
from security.rotation.services.lifecycle import run_outside_tasks
from security.rotation.services.rotate import (
    ROTATABLE,
    SCHEDULED,
    end,
    end_if_expired,
    rotate,
    try_now,
)
from security.rotation.services.steps import Clock, Failpoint, RotationRequest


def resume_unfinished(
    clock: Clock = steps.database_now, failpoint: Failpoint = steps.no_failpoint
) -> int:
    """Resume unfinished rotations and end expired values; returns how many succeeded.

    Nothing after a restore until automation is resumed: a role whose old password has expired here
    may have a newer one outside.
    """
    if automation_pause.is_paused():
        return 0
    done = 0
    request = RotationRequest("retire", clock=clock, failpoint=failpoint)
    for key in _unfinished(clock()):
        done += try_now(_resume, key, request)
    for key_pk, version in steps.due_to_erase(clock()):
        done += try_now(end, ManagedSecret.objects.get(pk=key_pk), version, request)
    return done + run_outside_tasks(clock)


def _unfinished(now: datetime) -> list[ManagedSecret]:
    """Keys with a pending value, a failed attempt to repeat, or an approved rotation.

    An attempt is repeated only where the new value reaches its users without a person.
    """
    rows = steps.ready(now).filter(state__in=ROTATABLE)
    pending = Q(versions__state=SecretVersion.State.PENDING)
    themselves = reports.rotating_themselves().values("pk")
    failed = Q(fail_count__gt=0, eligible_at__lte=now, pk__in=themselves)
    approved = Q(rotation_approved_at__isnull=False, pk__in=themselves)
    return list(
        rows.filter(pending | failed | approved).distinct().order_by("next_attempt_at", "pk")
    )


def _resume(key: ManagedSecret, request: RotationRequest) -> None:
    pending = steps.pending_version(key)
    if pending is None:
        rotate(key.key_id, reason=SCHEDULED, clock=request.clock, failpoint=request.failpoint)
        return
    request = replace(request, reason=pending.reason, grace_minutes=pending.grace_minutes)
    with execute.leased(key, request, ROTATABLE) as attempt:
        if pending.reason == execute.REHEARSAL:
            execute.undo(attempt, pending, SecretVersion.State.RETIRED, keep=False)
            return
        done = execute.run_rotation(attempt)
    end_if_expired(key, done, request)
