"""Find, pause, resume and revoke managed keys."""

from django.db import transaction

from aethercrown.transitions import InvalidTransition
from security.rotation import reports
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services import execute, steps
from security.rotation.services.steps import Lease, RotationRequest

State = ManagedSecret.State


class SecretNotFound(LookupError):
    """No managed key has this name; the API answers 404."""


def get(key_id: str) -> ManagedSecret:
    """Raises SecretNotFound."""
    key = ManagedSecret.objects.filter(key_id=key_id).first()
    if key is None:
        raise SecretNotFound(f"No key is called {key_id!r}.")
    return key


def pause(key_id: str, *, actor: str = "") -> None:
    """Stop rotating until resumed; the current value still works. Raises InvalidTransition."""
    _change_state(key_id, State.ACTIVE, State.PAUSED, actor)


def resume(key_id: str, *, actor: str = "") -> None:
    """Rotate a paused key again. Raises InvalidTransition."""
    _change_state(key_id, State.PAUSED, State.ACTIVE, actor)


@transaction.atomic
def _change_state(key_id: str, before: str, after: str, actor: str) -> None:
    key = get(key_id)
    if not ManagedSecret.objects.filter(pk=key.pk, state=before).update(state=after):
        raise InvalidTransition(f"{key} is {key.state}, not {before}.")
    steps.record_event(Lease(key, key.fencing_token, actor), f"key.{after}", {"before": before})


def revoke(key_id: str, *, actor: str = "") -> None:
    """End a key for good: refuse every value in one commit, then revoke and erase each."""
    key = get(key_id)
    ended = SecretVersion.State.REVOKED
    request = RotationRequest(State.REVOKED, actor=actor)
    with execute.leased(key, request, reports.LIVE_STATES) as attempt:
        pending = steps.pending_version(key)
        if pending is not None:
            execute.undo(attempt, pending, ended, keep=True)
        steps.end_current(attempt.lease, ended, request.clock(), key_state=State.REVOKED)
    for version in steps.versions_to_end(key):
        with execute.leased(key, request) as attempt:
            execute.end_version(attempt, version)
