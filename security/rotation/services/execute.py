"""One rotation from lease to switch: the database steps around the calls to the target.

After a crash the next attempt continues with the same pending value, sets it again and lets the
test decide. A value that may have reached the target is never discarded without an undo.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from aethercrown.monitoring import redaction
from aethercrown.severity import HIGH
from aethercrown.transitions import InvalidTransition
from operations.alerts import services as alerts
from security.encryption.reports import unseal
from security.rotation import alerts as key_alerts
from security.rotation import reports, schedule
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.registry import (
    CredentialIssuer,
    NewSecret,
    OutcomeUnknown,
    RotationContext,
    Rotator,
    TargetRefused,
    rotators,
)
from security.rotation.services import steps
from security.rotation.services.steps import CompletedSwitch, Lease, RotationRequest

REHEARSAL = "rehearsal"
RECENT_USE = timedelta(hours=24)
MAX_MESSAGE_LENGTH = 1000
log = logging.getLogger(__name__)


class RotationFailed(InvalidTransition):
    """The new value could not be set or did not work. The old one stays current."""


@dataclass(frozen=True, slots=True)
class RotationAttempt:
    """A leased key with everything that its steps need."""

    lease: Lease
    rotator: Rotator
    request: RotationRequest

    @property
    def key(self) -> ManagedSecret:
        return self.lease.key

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Call the failpoints before and after a step."""
        self.request.failpoint(f"rotation.before_{name}")
        yield
        self.request.failpoint(f"rotation.after_{name}")


@contextmanager
def leased(
    key: ManagedSecret, request: RotationRequest, states: tuple[str, ...] = ()
) -> Iterator[RotationAttempt]:
    """Lease a key for the block.

    A RotationFailed in the block raises an alert. A lost lease becomes RotationInProgress.
    """
    request.failpoint("rotation.before_claim")
    lease = steps.acquire(key.pk, request.reason, actor=request.actor, states=states)
    request.failpoint("rotation.after_claim")
    try:
        yield RotationAttempt(lease, rotators.get(key.rotator), request)
    except steps.RotationLeaseLost as error:
        steps.record_event(lease, "key.lease_lost", {"fencing_token": lease.fencing_token})
        raise steps.RotationInProgress(str(error)) from error
    except RotationFailed as error:
        alerts.raise_alert(
            key_alerts.SOURCE, key_alerts.FAILING, key.key_id, HIGH, str(error), now=request.clock()
        )
        raise
    except Exception:
        _release_if_leased(lease)
        raise


def _release_if_leased(lease: Lease) -> None:
    try:
        steps.release(lease)
    except steps.RotationLeaseLost:
        log.info("Key %s is leased by another worker already", lease.key.pk)


def run_rotation(attempt: RotationAttempt, value: str | None = None) -> CompletedSwitch:
    """Create, set, test and switch.

    Raises RotationFailed if the target refused or did not answer, RotationLeaseLost if another
    worker took over.
    """
    if isinstance(attempt.rotator, CredentialIssuer):
        return _reissue(attempt, attempt.rotator)
    version = _prepare_version(attempt, value)
    _set_value(attempt, version)
    _test_value(attempt, version)
    now = attempt.request.clock()
    with attempt.step("finish"):
        policy = reports.effective_policy(attempt.key.level)
        old = steps.switch(attempt.lease, version, policy, now)
    return CompletedSwitch(version, decrypt(attempt.key, version), old, now)


def run_rehearsal(attempt: RotationAttempt) -> None:
    """Create, set, test and undo, without a switch."""
    version = _prepare_version(attempt, None)
    _set_value(attempt, version)
    _test_value(attempt, version)
    undo(attempt, version, SecretVersion.State.RETIRED, keep=False)


def _prepare_version(attempt: RotationAttempt, value: str | None) -> SecretVersion:
    """An earlier attempt's pending version if it can still be used, or else a new one."""
    version = steps.pending_version(attempt.lease)
    if version is not None and (value is not None or _is_unusable(version, attempt.request)):
        state = "retired" if version.reason == REHEARSAL else "failed"
        undo(attempt, version, state, keep=True)
        version = None
    if version is not None:
        return steps.adopt(attempt.lease, version, attempt.request)
    _end_retiring(attempt)
    new = _generate_value(attempt) if value is None else NewSecret(value)
    with attempt.step("create"):
        return steps.store_pending(attempt.lease, new, attempt.request, attempt.request.clock())


def _generate_value(attempt: RotationAttempt) -> NewSecret:
    try:
        current = steps.current_version(attempt.key)
        return attempt.rotator.generate(context_for(attempt.key, current))
    except TargetRefused as error:
        raise _failed_attempt(attempt, error) from error


def _failed_attempt(attempt: RotationAttempt, error: TargetRefused) -> RotationFailed:
    steps.record_failed_attempt(attempt.lease, error_message(error), attempt.request.clock())
    return RotationFailed(f"{attempt.key} keeps its value. {error_message(error)}")


def _is_unusable(version: SecretVersion, request: RotationRequest) -> bool:
    """Whether a pending value has failed its tests, or a rehearsal is involved."""
    return schedule.is_used_up(version.tries) or REHEARSAL in {version.reason, request.reason}


def _set_value(attempt: RotationAttempt, version: SecretVersion) -> None:
    """Set the value at the target; without a clear answer the test decides."""
    if not attempt.rotator.has_target:
        return
    error = _call_target(attempt, "set", attempt.rotator.set, version)
    if isinstance(error, TargetRefused):
        why = f"It could not be set: {error_message(error)}"
        _handle_failure(attempt, version, why, final=True)
    with attempt.step("note"):
        unclear = error_message(error) if error else ""
        steps.note_set(attempt.lease, version, attempt.request.clock(), unclear=unclear)


def _test_value(attempt: RotationAttempt, version: SecretVersion) -> None:
    """Use the new value at the target; no answer counts as a failure."""
    if not attempt.rotator.has_target:
        return
    error = _call_target(attempt, "test", attempt.rotator.test, version)
    if error:
        why = f"It did not work: {error_message(error)}"
        _handle_failure(attempt, version, why, final=version.reason == REHEARSAL)


def _call_target(
    attempt: RotationAttempt,
    step: str,
    call: Callable[[RotationContext], None],
    version: SecretVersion,
) -> Exception | None:
    """Call the target once; returns the error, if there was one."""
    with attempt.step(step):
        try:
            call(context_for(attempt.key, version))
        except Exception as error:  # noqa: BLE001 - after any error the target may have acted
            return error
    return None


def _handle_failure(
    attempt: RotationAttempt, version: SecretVersion, why: str, *, final: bool
) -> None:
    """Record a failure, undo the value if it is used up, and raise RotationFailed."""
    with attempt.step("fail"):
        steps.note_failure(attempt.lease, version, why, attempt.request.clock(), final=final)
    if schedule.is_used_up(version.tries):
        state = SecretVersion.State
        undo(attempt, version, state.RETIRED if version.reason == REHEARSAL else state.FAILED,
             keep=False)  # fmt: skip
    raise RotationFailed(f"{attempt.key} keeps its value. {why}")


def undo(attempt: RotationAttempt, version: SecretVersion, state: str, *, keep: bool) -> None:
    """Undo a pending value at the target, then erase it.

    Raises RotationFailed if it could not be undone; the value then stays pending.
    """
    has_target = attempt.rotator.has_target
    error = _call_target(attempt, "undo", attempt.rotator.undo, version) if has_target else None
    if error:
        log.warning("Could not undo a value of key %s", attempt.key.pk, exc_info=error)
        why = f"A new value that failed could not be taken back: {error_message(error)}"
        steps.record_failed_attempt(attempt.lease, why, attempt.request.clock())
        raise RotationFailed(f"{attempt.key} keeps its value. {why}") from error
    with attempt.step("release"):
        steps.discard(attempt.lease, version, state, attempt.request.clock(), keep=keep)


def _end_retiring(attempt: RotationAttempt) -> None:
    """End retiring versions before a new one is made: at most two values work at a time."""
    for version in steps.versions_to_end(attempt.key):
        end_version(attempt, version, keep=True)


def end_version(attempt: RotationAttempt, version: SecretVersion, *, keep: bool = False) -> None:
    """Revoke an old value at the target, then erase it. Raises RotationFailed.

    `keep` keeps the lease for a rotation that continues.
    """
    error = _call_target(attempt, "revoke", attempt.rotator.revoke, version)
    if error:
        why = (
            f"Version {version.number} of {attempt.key} could not be ended: {error_message(error)}"
        )
        if keep:
            steps.record_failed_attempt(attempt.lease, why, attempt.request.clock())
        else:
            steps.release(attempt.lease)
        raise RotationFailed(why) from error
    with attempt.step("retire"):
        steps.retire(attempt.lease, version, attempt.request.clock(), keep=keep)


def _reissue(attempt: RotationAttempt, issuer: CredentialIssuer) -> CompletedSwitch:
    """Replace a credential of the platform: issued, stored and switched in one transaction."""
    _end_retiring(attempt)
    now = attempt.request.clock()
    request, policy = attempt.request, reports.effective_policy(attempt.key.level)
    grace = steps.effective_grace(request.reason, request.grace_minutes, policy)
    context = context_for(attempt.key, steps.current_version(attempt.key))
    with attempt.step("finish"):
        try:
            return steps.switch_issued(
                attempt.lease, lambda: issuer.reissue(context, grace, now), request, policy, now
            )
        except TargetRefused as error:
            raise _failed_attempt(attempt, error) from error


def context_for(key: ManagedSecret, version: SecretVersion | None) -> RotationContext:
    """What a rotator gets to see of a version and of the current one."""
    current = steps.current_version(key)
    return RotationContext(
        key_id=key.key_id,
        config=key.config,
        number=version.number if version else 0,
        value=decrypt(key, version) if version else "",
        detail=version.detail if version else {},
        current=decrypt(key, current) if current else None,
        current_detail=current.detail if current else {},
        secret_of=secret_of,
    )


def decrypt(key: ManagedSecret, version: SecretVersion) -> str:
    """The value; empty if only a digest is stored, or nothing."""
    sealed = version.ciphertext
    return unseal(sealed, version.encryption_context(key)) if sealed else ""


def secret_of(key_id: str) -> str:
    """Another managed key's current value. Raises TargetRefused if there is none."""
    found = reports.current(key_id)
    if found is None:
        raise TargetRefused(f"No managed key {key_id!r} has a current value.")
    return decrypt(found.key, found)


def error_message(error: Exception) -> str:
    """The error as text, without secrets."""
    text = str(error) or type(error).__name__
    expected = isinstance(error, TargetRefused | OutcomeUnknown)
    return redaction.text(text if expected else f"{type(error).__name__}: {text}")[
        :MAX_MESSAGE_LENGTH
    ]


def extended_until(
    attempt: RotationAttempt, version: SecretVersion, now: datetime
) -> datetime | None:
    """Until when an old value whose grace is over still works; None if it ends now.

    A value that was used in the last 24 hours gets its grace once more, and an alert says so.
    """
    if version.state != SecretVersion.State.RETIRING:
        return None
    valid_until = attempt.rotator.valid_until(context_for(attempt.key, version))
    if valid_until is not None and valid_until > now:
        return valid_until
    in_use = version.last_used_at is not None and version.last_used_at > now - RECENT_USE
    grace = reports.effective_policy(attempt.key.level).grace
    if version.extended_at is not None or not in_use or not grace:
        return None
    message = (
        f"Version {version.number} of {attempt.key} should end now and is still in use. It works "
        f"until {now + grace:%Y-%m-%d %H:%M} UTC; then it is refused."
    )
    alerts.raise_alert(
        key_alerts.SOURCE, key_alerts.STILL_USED, attempt.key.key_id, HIGH, message, now=now
    )
    return now + grace
