"""One rotation from lease to switch: the database steps around the calls to the target.

After a crash the next attempt continues with the same pending value, sets it again and lets the
test decide. A value that may have reached the target is never discarded without an undo.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

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
    """Lease a key for the block; a failure raises an alert, a lost lease RotationInProgress."""
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
        with suppress(steps.RotationLeaseLost):
            steps.release(lease)
        raise


def run_rotation(attempt: RotationAttempt, value: str | None = None) -> CompletedSwitch:
    """Create, set, test and switch. Raises RotationFailed, or RotationLeaseLost."""
    if isinstance(attempt.rotator, CredentialIssuer):
        return _reissue(attempt, attempt.rotator)
    version = _prepare_version(attempt, value)
    if attempt.rotator.has_target:
        _set_and_test(attempt, version)
    now = attempt.request.clock()
    with attempt.step("finish"):
        policy = reports.effective_policy(attempt.key.level)
        old = steps.switch(attempt.lease, version, policy, now)
    return CompletedSwitch(version, decrypt(attempt.key, version), old, now)


def run_rehearsal(attempt: RotationAttempt) -> None:
    """Create, set, test and undo, without a switch."""
    version = _prepare_version(attempt, None)
    _set_and_test(attempt, version)
    undo(attempt, version, SecretVersion.State.RETIRED, keep=False)


def _prepare_version(attempt: RotationAttempt, value: str | None) -> SecretVersion:
    """An earlier attempt's pending version if it can still be used, or else a new one."""
    version = steps.pending_version(attempt.key)
    rehearsed = version is not None and REHEARSAL in {version.reason, attempt.request.reason}
    if version is not None:
        if value is None and not rehearsed and not schedule.is_used_up(version.tries):
            return steps.adopt(attempt.lease, version, attempt.request)
        undo(attempt, version, _discarded_state(version), keep=True)
    _end_retiring(attempt)
    new = _generate_value(attempt) if value is None else NewSecret(value)
    with attempt.step("create"):
        return steps.store_pending(attempt.lease, new, attempt.request, attempt.request.clock())


def _discarded_state(version: SecretVersion) -> str:
    state = SecretVersion.State
    return state.RETIRED if version.reason == REHEARSAL else state.FAILED


def _generate_value(attempt: RotationAttempt) -> NewSecret:
    try:
        current = steps.current_version(attempt.key)
        return attempt.rotator.generate(context_for(attempt.key, current))
    except TargetRefused as error:
        raise _failed_attempt(attempt, error_message(error)) from error


def _failed_attempt(attempt: RotationAttempt, why: str) -> RotationFailed:
    steps.record_failed_attempt(attempt.lease, why, attempt.request.clock())
    return RotationFailed(f"{attempt.key} keeps its value. {why}")


def _set_and_test(attempt: RotationAttempt, version: SecretVersion) -> None:
    """Set the value at the target, then use it there; without a clear answer the test decides."""
    error = _call_target(attempt, "set", attempt.rotator.set, version)
    if isinstance(error, TargetRefused):
        why = f"It could not be set: {error_message(error)}"
        _handle_failure(attempt, version, why, final=True)
    with attempt.step("note"):
        unclear = error_message(error) if error else ""
        steps.note_set(attempt.lease, version, attempt.request.clock(), unclear=unclear)
    error = _call_target(attempt, "test", attempt.rotator.test, version)
    if error:  # no answer counts as a failure too
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
        undo(attempt, version, _discarded_state(version), keep=False)
    raise RotationFailed(f"{attempt.key} keeps its value. {why}")


def undo(attempt: RotationAttempt, version: SecretVersion, state: str, *, keep: bool) -> None:
    """Undo a pending value at the target, then erase it. Raises RotationFailed if it stays."""
    has_target = attempt.rotator.has_target
    error = _call_target(attempt, "undo", attempt.rotator.undo, version) if has_target else None
    if error:
        log.warning("Could not undo a value of key %s", attempt.key.pk, exc_info=error)
        why = f"A new value that failed could not be taken back: {error_message(error)}"
        raise _failed_attempt(attempt, why) from error
    with attempt.step("release"):
        steps.discard(attempt.lease, version, state, attempt.request.clock(), keep=keep)


def _end_retiring(attempt: RotationAttempt) -> None:
    """End retiring versions before a new one is made: at most two values work at a time."""
    for version in steps.versions_to_end(attempt.key):
        end_version(attempt, version, keep=True)


def end_version(attempt: RotationAttempt, version: SecretVersion, *, keep: bool = False) -> None:
    """Revoke an old value, then erase it; `keep` keeps the lease. Raises RotationFailed."""
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
            raise _failed_attempt(attempt, error_message(error)) from error


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
    current = SecretVersion.objects.filter(key__key_id=key_id, state=SecretVersion.State.CURRENT)
    found = current.select_related("key").first()
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
