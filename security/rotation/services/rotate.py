"""Rotate one key now, or rehearse it.

Functions that rotate take `failpoint`, which is called by name before and after each commit and
each call to the target, so that tests can end the process there.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import transaction

from aethercrown.formatting import moment_text
from aethercrown.severity import HIGH
from aethercrown.transitions import InvalidTransition
from operations.alerts import services as alerts
from security.rotation import alerts as key_alerts
from security.rotation import reports
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.registry import CredentialIssuer, Rotator, rotators
from security.rotation.results import RotationResult
from security.rotation.services import execute, four_eyes, steps
from security.rotation.services.execute import RotationAttempt, RotationFailed
from security.rotation.services.lifecycle import InvalidArgument, get
from security.rotation.services.register import check_value
from security.rotation.services.steps import Clock, CompletedSwitch, Failpoint, RotationRequest

MANUAL, SCHEDULED, COMPROMISED = "manual", "scheduled", steps.COMPROMISED
REASONS = (MANUAL, SCHEDULED, COMPROMISED)
COMPROMISED_ACTION = (
    "The old value is refused from now on: give the new one to its users at once, and look in the "
    "logs of its target for what the old one was used for."
)
State = ManagedSecret.State
ROTATABLE = (State.ACTIVE, State.FAILED)
log = logging.getLogger(__name__)


class PreviousStillPromised(InvalidTransition):
    """An earlier value still works, and was promised to; the API answers 409."""


def rotate(
    key_id: str,
    *,
    reason: str = MANUAL,
    grace: timedelta | None = None,
    value: str | None = None,
    force: bool = False,
    expected_version: int | None = None,
    end_previous: bool = False,
    actor: str = "",
    clock: Clock = steps.database_now,
    failpoint: Failpoint = steps.no_failpoint,
) -> RotationResult:
    """Rotate now. `reason` is manual, scheduled or compromised (at once, without grace).

    `value` is a manual key's new value. Another current version than `expected_version` is an
    InvalidTransition. With `force` and compromised, a target that refuses the new value does not
    stop the end of the old one. `end_previous` ends an earlier value inside its grace.
    Raises SecretNotFound, InvalidArgument, InvalidTransition (ApprovalRequired is one too).
    """
    key, rotator = _found(key_id)
    makes_it = rotator.automatic or isinstance(rotator, CredentialIssuer)
    request = RotationRequest(reason, _minutes(reason, grace), actor, clock, failpoint)
    check_request(key, value, reason)
    four_eyes.check(key, actor, reason, clock())
    if not makes_it and value is None and not force:
        return _value_required(key, rotator, reason)
    try:
        with execute.leased(key, request, ROTATABLE) as attempt:
            _check_still_allowed(attempt, expected_version)
            if not end_previous and reason != COMPROMISED:
                check_promise(attempt.key, clock())
            check_is_new(attempt.key, value)
            done = execute.run_rotation(attempt, value)
    except RotationFailed:
        if not (force and reason == COMPROMISED):
            raise
        return _end_without_successor(key, request)
    end_if_expired(key, done, request)
    return _done(key, reason, done, rotator.required_action if makes_it else "")


def _found(key_id: str) -> tuple[ManagedSecret, Rotator]:
    key = get(key_id)
    return key, rotators.get(key.rotator)


def _done(key: ManagedSecret, reason: str, done: CompletedSwitch, action: str) -> RotationResult:
    until = done.old.retire_at if done.old else None
    if reason == COMPROMISED:
        action = f"{COMPROMISED_ACTION} {action}".strip()
    return _result(
        key, reason, done.version, action, at=done.at, value=done.value or None, until=until
    )


def completed_rotation(key_id: str, number: int) -> RotationResult:
    """The result of a rotation that was done before, with its value if that can be decrypted."""
    key = get(key_id)
    version = key.versions.get(number=number)
    earlier = key.versions.filter(number__lt=number, current_at__isnull=False).order_by("-number")
    old = earlier.first()
    return replace(
        _result(key, version.reason, version, rotators.get(key.rotator).required_action),
        rotated_at=version.current_at,
        previous_rotation=old.current_at if old else None,
        new_key=reports.decrypt(key, version) or None,
        previous_valid_until=old.retire_at if old else None,
    )


def check_request(key: ManagedSecret, value: str | None, reason: str) -> None:
    """Raise InvalidArgument or InvalidTransition for what no rotation of the key can do."""
    rotator = rotators.get(key.rotator)
    if reason not in REASONS:
        raise InvalidArgument("reason", f"must be one of {', '.join(REASONS)}.")
    if value is not None and (rotator.automatic or isinstance(rotator, CredentialIssuer)):
        raise InvalidArgument("value", f"The rotator {rotator.name} makes the value itself.")
    check_value(value)
    if not rotator.supports_overlap and not key.config.get("allow_downtime"):
        raise InvalidTransition(
            f"{key} has no overlap: its users are cut off for a moment. Set allow_downtime."
        )


def check_is_new(key: ManagedSecret, value: str | None) -> None:
    """Raise InvalidArgument for a value that works already: nothing would have changed.

    It comes after every other check: an answer to a request that changes nothing in any case would
    let a caller try values until one is that of the key.
    """
    working = (SecretVersion.State.CURRENT, SecretVersion.State.RETIRING)
    for version in SecretVersion.objects.filter(key=key, state__in=working):
        if value is not None and reports.decrypt(key, version) == value:
            raise InvalidArgument(
                "value", f"is that of version {version.number}, which works: enter a new one."
            )


def _minutes(reason: str, grace: timedelta | None) -> int | None:
    if grace is None:
        return None
    if grace < timedelta(0):
        raise InvalidArgument("grace", f"is {grace}: must be 0 or more.")
    return 0 if reason == COMPROMISED else ceil(grace / timedelta(minutes=1))


def _value_required(key: ManagedSecret, rotator: Rotator, reason: str) -> RotationResult:
    """Nothing was changed: a person must enter the value."""
    if key.state not in ROTATABLE:
        raise InvalidTransition(f"{key} is {key.state}: it cannot be rotated.")
    action = rotator.required_action
    if reason == COMPROMISED:
        action = f"{action} Do it at once: until then the old value still works."
    return _result(key, reason, steps.current_version(key), action)


def _check_still_allowed(attempt: RotationAttempt, expected: int | None) -> None:
    """Check what another rotation may have changed before the lease: approval and version."""
    request = attempt.request
    four_eyes.check(attempt.key, request.actor, request.reason, request.clock())
    check_version(attempt.key, expected)


def check_version(key: ManagedSecret, expected: int | None) -> None:
    """Raise InvalidTransition where another version than the expected one is current."""
    current = steps.current_version(key)
    if expected is not None and (current is None or current.number != expected):
        number = current.number if current else "none"
        raise InvalidTransition(f"The current version of {key} is {number}, not {expected}.")


def check_promise(key: ManagedSecret, now: datetime) -> None:
    """Raise PreviousStillPromised in the grace of an earlier value; a begun rotation goes on."""
    retiring = SecretVersion.objects.filter(
        key=key, state=SecretVersion.State.RETIRING, retire_at__gt=now
    )
    promised = retiring.select_related("key").order_by("-retire_at").first()
    if promised is None or steps.pending_version(key) is not None:
        return
    raise PreviousStillPromised(
        f"Version {promised.number} of {key} was promised to work until "
        f"{moment_text(promised.retire_at)}. {reports.last_use(promised)}. Send end_previous "
        "to end it now."
    )


def _result(
    key: ManagedSecret,
    reason: str,
    version: SecretVersion | None,
    action: str,
    *,
    at: datetime | None = None,
    value: str | None = None,
    until: datetime | None = None,
) -> RotationResult:
    """The result of a rotation at `at`; `key` is as it was before."""
    due_at = ManagedSecret.objects.get(pk=key.pk).due_at
    number = version.number if version else 0
    return RotationResult(
        key.key_id, reason, at, key.last_rotated_at, due_at, number, value, until, action
    )


def _end_without_successor(key: ManagedSecret, request: RotationRequest) -> RotationResult:
    """End a compromised value although no new one could be set."""
    with execute.leased(key, request, ROTATABLE) as attempt:
        now = request.clock()
        with attempt.step("finish"):
            old = steps.end_current(
                attempt.lease, SecretVersion.State.COMPROMISED, now, key_state=State.FAILED
            )
    if old is not None:
        try_now(end, key, old.pk, request)
    action = f"No value of {key} works any more: repair its target, then rotate again."
    return _result(key, request.reason, old, action, at=now, until=now)


def rehearse(key_id: str, *, actor: str = "", failpoint: Failpoint = steps.no_failpoint) -> None:
    """Create, set, test and undo a value without a switch. RotationFailed says what failed."""
    key = get(key_id)
    rotator = rotators.get(key.rotator)
    if not rotator.has_target:
        raise InvalidTransition(
            f"The rotator {rotator.name} sets values nowhere itself, so there is nothing to "
            "rehearse: test the key's delivery channels instead."
        )
    request = RotationRequest(execute.REHEARSAL, actor=actor, failpoint=failpoint)
    with execute.leased(key, request, (State.ACTIVE,)) as attempt:
        execute.run_rehearsal(attempt)


# --- The end of an old value ------------------------------------------------------------------
def end_if_expired(key: ManagedSecret, done: CompletedSwitch, request: RotationRequest) -> None:
    """End the old value at once if it has no grace."""
    old = done.old
    if old is not None and old.retire_at is not None and old.retire_at <= done.at:
        try_now(end, key, old.pk, request)


def end(key: ManagedSecret, version_pk: int, request: RotationRequest) -> None:
    """Revoke an old value at its target and erase it, unless its own end was put off."""
    with execute.leased(key, replace(request, reason="retire", grace_minutes=None)) as attempt:
        version = SecretVersion.objects.get(pk=version_pk)
        if version.destroyed_at is not None:
            steps.release(attempt.lease)
            return
        now, until, readers = request.clock(), None, reports.readers_of(version)
        if version.state == SecretVersion.State.RETIRING:
            until = attempt.rotator.valid_until(execute.context_for(attempt.key, version))
            until = until or (_grace_once_more(attempt.key, version) if readers else None)
        if until is None or until <= now:
            execute.end_version(attempt, version)
            return
        with transaction.atomic():
            steps.extend(attempt.lease, version, until, now)
            if readers:
                _warn_still_used(attempt, version, readers, until)


def _grace_once_more(key: ManagedSecret, version: SecretVersion) -> datetime | None:
    """When a value that gets its grace a second time ends; None if it had that already."""
    current, end = steps.current_version(key), version.retire_at
    if version.extended_at or not (end and current and current.current_at):
        return None
    return end + (end - current.current_at)


def _warn_still_used(
    attempt: RotationAttempt, version: SecretVersion, readers: list[str], until: datetime
) -> None:
    message = (
        f"Version {version.number} of {attempt.key} is still in use: {'; '.join(readers)}. Its end "
        f"was put off once, to {moment_text(until)}."
    )
    alerts.raise_alert(
        key_alerts.SOURCE, key_alerts.STILL_USED, attempt.key.key_id, HIGH, message,
        now=attempt.request.clock(),
    )  # fmt: skip


def try_now(act: Callable[..., None], *args: Any) -> bool:
    """Whether `act(*args)` succeeded; after an error `resume_unfinished` tries again later."""
    try:
        act(*args)
    except InvalidTransition as error:
        log.info("Not now: %s", error)
        return False
    except Exception:
        log.exception("A step of a managed key failed")
        return False
    return True
