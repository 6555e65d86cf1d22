"""Find, change, pause, resume and revoke managed keys."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from django.db import transaction

from aethercrown.registry import UnknownName
from aethercrown.transitions import InvalidTransition
from security.rotation import reports, schedule
from security.rotation.models import ManagedSecret, OutsideTask, SecretVersion
from security.rotation.registry import CredentialIssuer, InvalidConfig, Rotator, rotators
from security.rotation.schedule import LEVELS
from security.rotation.services import execute, steps
from security.rotation.services.steps import Clock, Lease, RotationRequest

State = ManagedSecret.State
MAX_OWNER_LENGTH = 200


class SecretNotFound(LookupError):
    """No managed key has this name; the API answers 404."""


class InvalidArgument(ValueError):
    """A value of the request is invalid; `field` names it. The API answers 400."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def get(key_id: str) -> ManagedSecret:
    """The live key of that name, or the last one that had it. Raises SecretNotFound."""
    named = ManagedSecret.objects.filter(key_id=key_id)
    key = named.filter(state__in=reports.LIVE_STATES).first() or named.order_by("-pk").first()
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


def revoke(key_id: str, *, actor: str = "", outside_later: bool = False) -> None:
    """End a key for good: refuse and erase every value in one commit, whatever its target does.

    Then each is ended outside, with `outside_later` by a worker; what is left is a task. A rotation
    under way is stopped; what it may still set outside, a worker ends a minute later.
    """
    key = get(key_id)
    is_busy = not steps.unleased().filter(pk=key.pk).exists()
    request = RotationRequest(State.REVOKED, actor=actor)
    with execute.leased(key, request, reports.LIVE_STATES, take_over=True) as attempt:
        live = SecretVersion.objects.filter(key=key, destroyed_at=None).order_by("number")
        ways = {version: execute.ways_to_end(attempt, version, all_end=True) for version in live}
        places = {
            version: [(each.outlet.channel, each.place) for each in found]
            for version, found in ways.items()
        }
        with transaction.atomic():
            for version in live:
                execute.end_issued(attempt, version)
            tasks = steps.end_key(attempt.lease, places, request.clock())
    if not (outside_later or is_busy):
        for way, task in zip(chain.from_iterable(ways.values()), tasks, strict=True):
            execute.try_outside(attempt, way.outlet, way.context, task)


def run_outside_tasks(clock: Clock = steps.database_now) -> int:
    """Try again to end what was left outside; returns how many are done. Safe to repeat."""
    due = OutsideTask.objects.filter(
        state=OutsideTask.State.OPEN, next_attempt_at__lte=clock()
    ).select_related("key", "version", "channel")
    return sum(_try_again(task, clock) for task in due.order_by("next_attempt_at", "pk"))


def _try_again(task: OutsideTask, clock: Clock) -> bool:
    try:
        with execute.leased(task.key, RotationRequest("end outside", clock=clock)) as attempt:
            outlet = execute.outlet_of(attempt, task.channel)
            context = execute.context_to_end(task.key, task.version, task.channel)
            done = execute.try_outside(attempt, outlet, context, task)
            steps.release(attempt.lease)
    except steps.RotationInProgress:
        return False
    return done


def change(
    key_id: str,
    *,
    level: str | None = None,
    owner: str | None = None,
    config: Mapping[str, Any] | None = None,
    actor: str = "",
) -> ManagedSecret:
    """Change what is given; its history keeps the former.

    Raises InvalidArgument, and InvalidTransition if the key has ended or is being rotated.
    """
    key = get(key_id)
    with execute.leased(
        key, RotationRequest("change", actor=actor), reports.LIVE_STATES
    ) as attempt:
        key = attempt.key
        changed = {
            name: each
            for name, each in {"level": level, "owner": owner, "config": config}.items()
            if each is not None and each != getattr(key, name)
        }
        if "config" in changed and isinstance(attempt.rotator, CredentialIssuer):
            raise InvalidArgument("config", "An issued credential keeps it: register another key.")
        for name, each in changed.items():
            setattr(key, name, each)
        check_key(key)
        with transaction.atomic():
            if changed:
                check_unclaimed(key)
                key.save(update_fields=list(changed))
                steps.note_changed(attempt.lease, changed)
                reschedule(attempt.lease, key)
            steps.release(attempt.lease)
    key.refresh_from_db()
    return key


def check_unclaimed(key: ManagedSecret) -> None:
    """Raise InvalidArgument where another live key changes the same thing at a target.

    Two such keys would end each other's passwords; so would what is left outside of one that has
    ended. It locks against others that look meanwhile: call it in the transaction that stores the
    key.
    """
    rotator = rotators.get(key.rotator)
    if not (claims := rotator.claims(key.config)):
        return
    steps.lock_policies()
    alike = ManagedSecret.objects.filter(rotator=key.rotator, state__in=reports.LIVE_STATES)
    for other in alike.exclude(key_id=key.key_id).order_by("pk"):
        if taken := claims & rotator.claims(other.config):
            raise InvalidArgument(
                "config", f"names the {min(taken)}, which the key {other} changes already."
            )
    left = OutsideTask.objects.filter(state=OutsideTask.State.OPEN, place__in=claims, channel=None)
    if task := left.exclude(key=key.pk).select_related("key").order_by("pk").first():
        raise InvalidArgument(
            "config",
            f"names the {task.place}, which is still to be ended for the key {task.key}: do that, "
            "or close the task under Tasks outside.",
        )


def reschedule(lease: Lease, key: ManagedSecret) -> None:
    """Set the due time that the key's level demands."""
    policy = reports.effective_policy(key.level)
    version = steps.current_version(key)
    since = key.last_rotated_at or key.created_at
    number = version.number if version else 1
    steps.reschedule(
        lease, policy, schedule.rotation_window(since, policy.interval, key.uuid, number)
    )


def check_key(key: ManagedSecret) -> Rotator:
    """The key's rotator. Raises InvalidArgument for an invalid level, rotator or config."""
    if key.level not in LEVELS:
        raise InvalidArgument("level", f"must be one of {', '.join(LEVELS)}.")
    if len(key.owner) > MAX_OWNER_LENGTH:
        raise InvalidArgument("owner", f"must have {MAX_OWNER_LENGTH} characters or fewer.")
    try:
        rotator = rotators.get(key.rotator)
        rotator.validate_config(key.config)
    except UnknownName as error:
        raise InvalidArgument("rotator", str(error)) from error
    except InvalidConfig as error:
        raise InvalidArgument(error.field, str(error)) from error
    return rotator
