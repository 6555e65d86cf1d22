"""One rotation from lease to switch: the database steps around the calls to the target.

After a crash the next attempt continues with the same pending value, sets it again and lets the
test decide. A value that may have reached the target is never discarded without an undo.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from django.db import transaction

from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.http import addresses
from aethercrown.monitoring import redaction
from aethercrown.severity import HIGH
from aethercrown.transitions import InvalidTransition
from operations.alerts import services as alerts
from security.rotation import alerts as key_alerts
from security.rotation import reports, schedule
from security.rotation.models import KeyChannel, ManagedSecret, OutsideTask, SecretVersion
from security.rotation.registry import (
    BindingTerms,
    CredentialIssuer,
    DeliveryChannel,
    DeliveryTarget,
    NewSecret,
    OutcomeUnknown,
    RotationContext,
    Rotator,
    TargetAddress,
    TargetRefused,
    channels,
    rotators,
)
from security.rotation.services import steps
from security.rotation.services.steps import CompletedSwitch, Lease, RotationRequest

REHEARSAL = "rehearsal"
MAX_MESSAGE_LENGTH = 1000
MOVED = "The configuration names another place now: end it there by hand, then close the task."
log = logging.getLogger(__name__)


class RotationFailed(InvalidTransition):
    """The new value could not be set or did not work. The old one stays current."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """One place that a new value goes to: the rotator's own target, or a delivery channel."""

    target: DeliveryTarget
    channel: KeyChannel | None = None


@dataclass(frozen=True, slots=True)
class RotationAttempt:
    """A leased key with everything that its steps need."""

    lease: Lease
    rotator: Rotator
    request: RotationRequest

    @property
    def key(self) -> ManagedSecret:
        return self.lease.key

    def outlets(self) -> list[Outlet]:
        """Every place to set the value, the rotator's target first."""
        own = [Outlet(self.rotator)] if self.rotator.has_target else []
        rows = KeyChannel.objects.filter(key=self.key).order_by("pk")
        found = [Outlet(channels.get(each.kind), each) for each in rows]
        return own + [each for each in found if acts(each)]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Call the failpoints before and after a step."""
        self.request.failpoint(f"rotation.before_{name}")
        yield
        self.request.failpoint(f"rotation.after_{name}")


def acts(outlet: Outlet) -> bool:
    """Whether something is called or written; a value that is pulled waits here."""
    return not isinstance(outlet.target, DeliveryChannel) or outlet.target.acts


@contextmanager
def leased(
    key: ManagedSecret,
    request: RotationRequest,
    states: tuple[str, ...] = (),
    *,
    take_over: bool = False,
) -> Iterator[RotationAttempt]:
    """Lease a key for the block; a failure raises an alert, a lost lease RotationInProgress.

    With `take_over` from another worker too, whose next step then changes nothing.
    """
    request.failpoint("rotation.before_claim")
    lease = steps.acquire(
        key.pk, request.reason, actor=request.actor, states=states, take_over=take_over
    )
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
    _check_bindings(attempt)
    version = _prepare_version(attempt, value)
    for outlet in attempt.outlets():
        _set_and_test(attempt, version, outlet)
    now = attempt.request.clock()
    with attempt.step("finish"):
        policy = reports.effective_policy(attempt.key.level)
        old = steps.switch(attempt.lease, version, policy, now)
    return CompletedSwitch(version, reports.decrypt(attempt.key, version), old, now)


def run_rehearsal(attempt: RotationAttempt) -> None:
    """Create, set, test and undo, without a switch."""
    _check_bindings(attempt)
    version = _prepare_version(attempt, None)
    _set_and_test(attempt, version, Outlet(attempt.rotator))
    undo(attempt, version, SecretVersion.State.RETIRED, keep=False)
    steps.note_delivery_tested(attempt.key, attempt.request.clock())


def _check_bindings(attempt: RotationAttempt) -> None:
    """Before anything is made or sent: staff allow what the rotation uses at its target."""
    try:
        current = steps.current_version(attempt.key)
        attempt.rotator.check_bindings(context_for(attempt.key, current))
    except TargetRefused as error:
        raise _failed_attempt(attempt, error_message(error)) from error


def _prepare_version(attempt: RotationAttempt, value: str | None) -> SecretVersion:
    """An earlier attempt's pending version if it can still be used, or else a new one."""
    version = steps.pending_version(attempt.key)
    if version is not None:
        if value is None and _is_usable(attempt, version):
            return steps.adopt(attempt.lease, version, attempt.request)
        undo(attempt, version, _discarded_state(version), keep=True)
    _end_retiring(attempt)
    new = _generate_value(attempt) if value is None else NewSecret(value)
    with attempt.step("create"):
        return steps.store_pending(
            attempt.lease, new, attempt.request, attempt.request.clock(), partial(place_of, attempt)
        )


def _is_usable(attempt: RotationAttempt, version: SecretVersion) -> bool:
    """Whether an attempt may continue with a pending version: it is meant for this place."""
    rehearsed = REHEARSAL in {version.reason, attempt.request.reason}
    return not (rehearsed or schedule.is_used_up(version.tries) or has_moved(attempt, version))


def place_of(attempt: RotationAttempt, version: SecretVersion) -> str:
    """Where the rotator itself sets a version; empty where it sets nothing."""
    if not attempt.rotator.has_target:
        return ""
    return described(Outlet(attempt.rotator), context_for(attempt.key, version))


def has_moved(attempt: RotationAttempt, version: SecretVersion) -> bool:
    """Whether the configuration named another place when a version was set."""
    return bool(version.place) and version.place != place_of(attempt, version)


def described(outlet: Outlet, context: RotationContext) -> str:
    """A version's place in words, also where the configuration cannot be decrypted."""
    try:
        words = outlet.target.described(context)
    except (KeyError, TargetRefused, addresses.AddressRefused):
        words = f"version {context.number} at a target that can no longer be read"
    return words[: steps.MAX_PLACE_LENGTH]


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


def _set_and_test(attempt: RotationAttempt, version: SecretVersion, outlet: Outlet) -> None:
    """Set the value in one place, then use it there; without a clear answer the test decides."""
    error = _call_target(attempt, "set", outlet, version)
    if isinstance(error, TargetRefused):
        why = f"It could not be set: {error_message(error)}"
        _handle_failure(attempt, version, why, final=True)
    with attempt.step("note"):
        unclear = error_message(error) if error else ""
        steps.note_set(attempt.lease, version, attempt.request.clock(), unclear=unclear)
    error = _call_target(attempt, "test", outlet, version)
    if error:  # no answer counts as a failure too
        why = f"It did not work: {error_message(error)}"
        _handle_failure(attempt, version, why, final=version.reason == REHEARSAL)


def _call_target(
    attempt: RotationAttempt, step: str, outlet: Outlet, version: SecretVersion
) -> Exception | None:
    """Call one target once; returns the error, if there was one."""
    with attempt.step(step):
        try:
            getattr(outlet.target, step)(context_for(attempt.key, version, outlet.channel))
        except Exception as error:
            log.warning("Key %s: the step %s failed", attempt.key.pk, step, exc_info=error)
            return error
    return None


def _call_all(
    attempt: RotationAttempt, step: str, outlets: list[Outlet], version: SecretVersion
) -> Exception | None:
    """Call these targets, the last one first; returns the first error."""
    errors = [_call_target(attempt, step, each, version) for each in reversed(outlets)]
    return next((each for each in errors if each), None)


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
    """Undo a pending value at the target, then erase it. Raises RotationFailed if it stays.

    Where the configuration has named another place since, the value stays there as a task.
    """
    moved = has_moved(attempt, version)
    outlets = [each for each in attempt.outlets() if each.channel or not moved]
    error = _call_all(attempt, "undo", outlets, version)
    if error:
        log.warning("Could not undo a value of key %s", attempt.key.pk, exc_info=error)
        why = f"A new value that failed could not be taken back: {error_message(error)}"
        raise _failed_attempt(attempt, why) from error
    with attempt.step("release"):
        steps.discard(
            attempt.lease, version, state, attempt.request.clock(),
            keep=keep, left_at=version.place if moved else "",
        )  # fmt: skip


def _end_retiring(attempt: RotationAttempt) -> None:
    """End retiring versions before a new one is made: at most two values work at a time."""
    for version in steps.versions_to_end(attempt.key):
        end_version(attempt, version, keep=True)


class WayToEnd(NamedTuple):
    """How an old value is ended in one place, with the values that this may need."""

    outlet: Outlet
    context: RotationContext
    place: str


def ways_to_end(
    attempt: RotationAttempt, version: SecretVersion, *, all_end: bool = False
) -> list[WayToEnd]:
    """Each place where a value is to be ended; credentials of the platform end in their own row.

    With `all_end` the current value ends too, so that no other is in use.
    """
    if isinstance(attempt.rotator, CredentialIssuer):
        return []
    found = []
    no_other = all_end or steps.current_version(attempt.key) is None
    is_last = no_other and version.state != SecretVersion.State.RETIRING
    for outlet in attempt.outlets():
        if outlet.target.revokes or (is_last and outlet.target.keeps_last):
            context = context_to_end(attempt.key, version, outlet.channel)
            if all_end:
                context = replace(context, current=None, current_detail={})
            place = "" if outlet.channel else version.place
            found.append(WayToEnd(outlet, context, place or described(outlet, context)))
    return found


def end_issued(attempt: RotationAttempt, version: SecretVersion) -> None:
    """End a credential of the platform itself."""
    if isinstance(attempt.rotator, CredentialIssuer):
        attempt.rotator.revoke(context_for(attempt.key, version))


def outlet_of(attempt: RotationAttempt, channel: KeyChannel | None) -> Outlet:
    """The rotator's own target, or a channel's."""
    return Outlet(channels.get(channel.kind) if channel else attempt.rotator, channel)


def end_version(attempt: RotationAttempt, version: SecretVersion, *, keep: bool = False) -> None:
    """Erase an old value here in one commit, then end it outside; `keep` keeps the lease.

    What is not ended outside stays as a task that a worker repeats and a person sees.
    """
    ways = ways_to_end(attempt, version)
    places = [(each.outlet.channel, each.place) for each in ways]
    with attempt.step("retire"), transaction.atomic():
        end_issued(attempt, version)
        tasks = steps.retire(attempt.lease, version, places, attempt.request.clock(), keep=keep)
        if version.extended_at:
            alerts.resolve(
                key_alerts.SOURCE, key_alerts.STILL_USED, attempt.key.key_id,
                now=attempt.request.clock(),
            )  # fmt: skip
    for way, task in zip(ways, tasks, strict=True):
        try_outside(attempt, way.outlet, way.context, task)


def try_outside(
    attempt: RotationAttempt, outlet: Outlet, context: RotationContext, task: OutsideTask
) -> bool:
    """Whether an old value was ended in its place; the task is done, or waits for the next try."""
    error = ""
    with attempt.step("revoke"):
        try:
            _end_outside(outlet, context, task.place)
        except Exception as failure:
            log.warning("Task %s: not ended outside", task.pk, exc_info=failure)
            error = error_message(failure)
    steps.note_outside(task, attempt.request.clock(), error)
    return not error


def _end_outside(outlet: Outlet, context: RotationContext, place: str) -> None:
    """Raise TargetRefused where the configuration names another place now: a person ends it."""
    if described(outlet, context) != place:
        raise TargetRefused(MOVED)
    outlet.target.revoke(context)


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


def context_for(
    key: ManagedSecret,
    version: SecretVersion | None,
    channel: KeyChannel | None = None,
    decrypt: Callable[[ManagedSecret, SecretVersion], str] = reports.decrypt,
) -> RotationContext:
    """What a rotator, or a channel, gets to see of a version and of the current one."""
    current = steps.current_version(key)
    terms = partial(reports.terms, key) if channel is None else channel_terms(channel)
    return RotationContext(
        key_id=key.key_id,
        config=key.config if channel is None else channel.config,
        number=version.number if version else 0,
        value=decrypt(key, version) if version else "",
        detail=version.detail if version else {},
        current=decrypt(key, current) if current else None,
        current_detail=current.detail if current else {},
        secret_of=reports.secret_of,
        terms=terms,
    )


def context_to_end(
    key: ManagedSecret, version: SecretVersion, channel: KeyChannel | None
) -> RotationContext:
    """As `context_for`; values that cannot be decrypted are empty, as no end waits for them."""
    return context_for(key, version, channel, _decrypted_or_empty)


def _decrypted_or_empty(key: ManagedSecret, version: SecretVersion) -> str:
    try:
        return reports.decrypt(key, version)
    except DecryptionFailed:
        return ""


def channel_terms(channel: KeyChannel) -> Callable[[TargetAddress], BindingTerms]:
    """A channel is a row of security staff, so its receiver is bound by it."""
    return lambda _address: BindingTerms(networks=addresses.parse_networks(channel.networks))


def error_message(error: Exception) -> str:
    """The error as text, without secrets."""
    text = str(error) or type(error).__name__
    expected = isinstance(error, TargetRefused | OutcomeUnknown)
    return redaction.text(text if expected else f"{type(error).__name__}: {text}")[
        :MAX_MESSAGE_LENGTH
    ]
