"""Pause, resume, revoke and retire managed keys."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from aethercrown.transitions import InvalidTransition
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services import execute, steps
from security.rotation.services.steps import Clock, Lease, RotationRequest

State = ManagedSecret.State


class SecretNotFound(LookupError):
    """No managed key has this name; the API answers 404."""


def get(key_id: str) -> ManagedSecret:
    """Raises SecretNotFound."""
    key = ManagedSecret.objects.filter(key_id=key_id).first()
    if key is None:
        raise SecretNotFound(f"No key is called {key_id!r}.")
    return key


def record_use(key_id: str, number: int, at: datetime) -> None:
    """Note when a version was last used; a version in use gets its grace extended."""
    rows = SecretVersion.objects.filter(key__key_id=key_id, number=number)
    rows.filter(Q(last_used_at=None) | Q(last_used_at__lt=at)).update(last_used_at=at)


def pause(key_id: str, *, actor: str = "") -> None:
    """Stop rotating until resumed; the current value still works. Raises InvalidTransition."""
    _change_state(key_id, State.ACTIVE, State.PAUSED, actor)


def resume(key_id: str, *, actor: str = "") -> None:
    """Rotate a paused key again. Raises InvalidTransition."""
    _change_state(key_id, State.PAUSED, State.ACTIVE, actor)


def revoke(key_id: str, *, actor: str = "", clock: Clock = steps.database_now) -> None:
    """End a key for good: every value is refused at once, revoked at its target and erased."""
    _end(key_id, State.REVOKED, SecretVersion.State.REVOKED, actor, clock)


def retire(key_id: str, *, actor: str = "", clock: Clock = steps.database_now) -> None:
    """Stop managing a key: values are erased here and revoked nowhere."""
    _end(key_id, State.RETIRED, SecretVersion.State.RETIRED, actor, clock)


@transaction.atomic
def _change_state(key_id: str, before: str, after: str, actor: str) -> None:
    key = get(key_id)
    if not ManagedSecret.objects.filter(pk=key.pk, state=before).update(state=after):
        raise InvalidTransition(f"{key} is {key.state}, not {before}.")
    steps.record_event(Lease(key, key.fencing_token, actor), f"key.{after}", {"before": before})


def _end(key_id: str, after: str, version_state: str, actor: str, clock: Clock) -> None:
    """Refuse every value in one commit; then revoke at the target where needed, and erase."""
    key = get(key_id)
    request = RotationRequest(after, actor=actor, clock=clock)
    open_states = (State.ACTIVE, State.PAUSED, State.FAILED)
    with execute.leased(key, request, open_states) as attempt:
        pending = steps.pending_version(attempt.lease)
        if pending is not None:
            execute.undo(attempt, pending, SecretVersion.State.REVOKED, keep=True)
        steps.end_current(attempt.lease, version_state, clock(), key_state=after)
    for version in steps.versions_to_end(key):
        with execute.leased(key, request) as attempt:
            if after == State.REVOKED:
                execute.end_version(attempt, version)
            else:
                steps.retire(attempt.lease, version, clock())
