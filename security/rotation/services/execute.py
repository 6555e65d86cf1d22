"""One rotation from its claim to its end: the steps of security.stages around the outside calls.

Whatever stops it, the next attempt takes up the same pending value, sets it again and lets the
test decide: a value that may be outside is never thrown away unasked.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from aethercrown.monitoring import redaction
from aethercrown.severity import HIGH
from operations.alerts import services as alerts
from security.encryption import reports as encryption
from security.rotation import alerts as alarms
from security.rotation import registry, reports, retry
from security.rotation.failpoints import Strike
from security.rotation.registry import (
    CredentialIssuer,
    NewSecret,
    OutcomeUnknown,
    RotationContext,
    Rotator,
    TargetRefused,
)
from security.rotation.services import steps as stages
from security.rotation.services.steps import Lease, ManagedSecret, RotationRequest, SecretVersion

REHEARSAL = "rehearsal"
USED_WITHIN = timedelta(hours=24)
SOURCE, IN_USE = "keys", "still_used"  # of alerts
Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


class RotationFailed(stages.WrongStep):
    """The new value could not be set or did not work. The old one stays current."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed key on its way through the steps."""

    held: Lease
    rotator: Rotator
    order: RotationRequest
    clock: Clock
    strike: Strike

    @property
    def key(self) -> ManagedSecret:
        return self.held.key

    @contextmanager
    def at(self, step: str) -> Iterator[None]:
        """The failpoints before and after a step."""
        self.strike(f"rotation.before_{step}")
        yield
        self.strike(f"rotation.after_{step}")


@dataclass(frozen=True, slots=True)
class CompletedSwitch:
    """The version that is current now, its value, and the one before it."""

    version: SecretVersion
    value: str
    old: SecretVersion | None
    at: datetime


@contextmanager
def claimed(
    key: ManagedSecret,
    order: RotationRequest,
    clock: Clock,
    strike: Strike,
    states: tuple[str, ...] = (),
) -> Iterator[Attempt]:
    """A claim for the block; whoever lost it meanwhile learns so, and an alert tells failures."""
    strike("rotation.before_claim")
    held = stages.acquire(key.pk, order.reason, actor=order.actor, states=states)
    strike("rotation.after_claim")
    try:
        yield Attempt(held, registry.named(key.rotator), order, clock, strike)
    except stages.RotationLeaseLost as error:
        stages.record_lease_lost(held)
        raise stages.RotationInProgress(str(error)) from error
    except RotationFailed as error:
        alerts.raise_alert(SOURCE, alarms.FAILING, key.key_id, HIGH, str(error), now=clock())
        raise
    except Exception:
        _let_go(held)
        raise


def _let_go(held: stages.Lease) -> None:
    try:
        stages.release(held)
    except stages.RotationLeaseLost:
        log.info("Key %s is another worker's already", held.key.pk)


def through(run: Attempt, value: str | None = None) -> CompletedSwitch:
    """Create, set, test and finish; then end the old value, if it has no grace.

    NotRotated where the other side refused or did not answer; LostLease where another worker
    took the key over.
    """
    if isinstance(run.rotator, CredentialIssuer):
        return reissued(run, run.rotator)
    version = ready(run, value)
    put(run, version)
    tried(run, version)
    now = run.clock()
    with run.at("finish"):
        old = stages.switch(run.held, version, reports.terms(run.key.level), now)
    return CompletedSwitch(version, opened(run.key, version), old, now)


def rehearsed(run: Attempt) -> None:
    """Set beside, test, and take back; nothing is switched."""
    version = ready(run, None)
    put(run, version)
    tried(run, version)
    taken_back(run, version, SecretVersion.State.RETIRED, keep=False)


def ready(run: Attempt, value: str | None) -> SecretVersion:
    """The pending version to go on with: an earlier attempt's, unless it is spent, or a new one."""
    version = stages.pending_version(run.held)
    if version is not None and (is_spent(version, run.order) or value is not None):
        state = "retired" if version.reason == REHEARSAL else "failed"
        taken_back(run, version, state, keep=True)
        version = None
    if version is not None:
        return stages.adopt(run.held, version, run.order)
    make_room(run)
    fresh = generated(run) if value is None else NewSecret(value)
    with run.at("create"):
        return stages.store_pending(run.held, fresh, run.order, run.clock())


def generated(run: Attempt) -> NewSecret:
    """A new value by the rotator; NotRotated where only a person can bring one."""
    try:
        return run.rotator.generate(hand(run.key, stages.current_version(run.key)))
    except TargetRefused as error:
        stages.record_failed_attempt(run.held, told(error), run.clock())
        raise RotationFailed(f"{run.key} keeps its value. {told(error)}") from error


def is_spent(version: SecretVersion, order: RotationRequest) -> bool:
    """Whether a pending value was given up, or belongs to a rehearsal that was cut short."""
    return retry.given_up(version.tries) or REHEARSAL in {version.reason, order.reason}


def put(run: Attempt, version: SecretVersion) -> None:
    """Set the value outside; without a clear answer it counts as set, and the test decides."""
    if not run.rotator.outside:
        return
    error = asked(run, "set", run.rotator.set, version)
    if isinstance(error, TargetRefused):
        refused(run, version, f"It could not be set: {told(error)}", final=True)
    with run.at("note"):
        unclear = told(error) if error else ""
        stages.note_set(run.held, version, run.clock(), unclear=unclear)


def tried(run: Attempt, version: SecretVersion) -> None:
    """Use the new value for real; no answer is no proof."""
    if not run.rotator.outside:
        return
    error = asked(run, "test", run.rotator.test, version)
    if error:
        final = version.reason == REHEARSAL
        refused(run, version, f"It did not work: {told(error)}", final=final)


def asked(
    run: Attempt, step: str, act: Callable[[RotationContext], None], version: SecretVersion
) -> Exception | None:
    """One call to the outside; what went wrong with it, if anything did."""
    with run.at(step):
        try:
            act(hand(run.key, version))
        except Exception as error:  # noqa: BLE001 - whatever it was, something may have happened
            return error
    return None


def refused(run: Attempt, version: SecretVersion, why: str, *, final: bool = False) -> None:
    """Note a failure; a value that failed for good is taken back. Raises NotRotated."""
    with run.at("fail"):
        stages.note_failure(run.held, version, why, run.clock(), final=final)
    if retry.given_up(version.tries):
        state = (
            SecretVersion.State.RETIRED
            if version.reason == REHEARSAL
            else SecretVersion.State.FAILED
        )
        taken_back(run, version, state, keep=False)
    raise RotationFailed(f"{run.key} keeps its value. {why}")


def taken_back(run: Attempt, version: SecretVersion, state: str, *, keep: bool) -> None:
    """Undo outside, then erase; where undoing fails, the value waits for another try."""
    error = asked(run, "undo", run.rotator.undo, version) if run.rotator.outside else None
    if error:
        log.warning("Could not undo a value of key %s", run.key.pk, exc_info=error)
        why = f"A new value that failed could not be taken back: {told(error)}"
        stages.record_failed_attempt(run.held, why, run.clock())
        raise RotationFailed(f"{run.key} keeps its value. {why}") from error
    with run.at("release"):
        stages.discard(run.held, version, state, run.clock(), keep=keep)


def make_room(run: Attempt) -> None:
    """Let at most two values work: what still retires ends before a third is made."""
    for version in stages.versions_to_end(run.key):
        ended(run, version, keep=True)


def ended(run: Attempt, version: SecretVersion, *, keep: bool = False) -> None:
    """Revoke an old value outside, then erase it here. NotRotated where it could not be.

    `keep` keeps the claim for a rotation that goes on.
    """
    error = asked(run, "revoke", run.rotator.revoke, version)
    if error:
        why = f"Version {version.number} of {run.key} could not be ended: {told(error)}"
        if keep:
            stages.record_failed_attempt(run.held, why, run.clock())
        else:
            stages.release(run.held)
        raise RotationFailed(why) from error
    with run.at("retire"):
        stages.retire(run.held, version, run.clock(), keep=keep)


def reissued(run: Attempt, issuer: CredentialIssuer) -> CompletedSwitch:
    """A credential of the platform itself: made, stored and switched in one transaction."""
    make_room(run)
    now = run.clock()
    terms = reports.terms(run.key.level)
    grace = stages.effective_grace(run.order, terms)
    holding = hand(run.key, stages.current_version(run.key))
    with run.at("finish"):
        try:
            made = stages.switch_issued(
                run.held, lambda: issuer.reissue(holding, grace, now), run.order, terms, now
            )
        except TargetRefused as error:
            stages.record_failed_attempt(run.held, told(error), now)
            raise RotationFailed(f"{run.key} keeps its value. {told(error)}") from error
    return CompletedSwitch(made.version, made.issue.value, made.old, now)


def hand(key: ManagedSecret, version: SecretVersion | None) -> RotationContext:
    """A version as its rotator sees it, beside the current one."""
    now = stages.current_version(key)
    return RotationContext(
        key_id=key.key_id,
        config=key.config,
        number=version.number if version else 0,
        value=opened(key, version) if version else "",
        detail=version.detail if version else {},
        current=opened(key, now) if now else None,
        current_detail=now.detail if now else {},
        secret_of=secret_of,
    )


def opened(key: ManagedSecret, version: SecretVersion) -> str:
    """The value; empty where only a digest is kept, or nothing."""
    sealed = version.ciphertext
    return encryption.unseal(sealed, version.encryption_context(key)) if sealed else ""


def secret_of(key_id: str) -> str:
    """Another managed key's current value; Refused where there is none."""
    found = reports.current(key_id)
    if found is None:
        raise TargetRefused(f"No managed key {key_id!r} has a current value.")
    return opened(found.key, found)


def told(error: Exception) -> str:
    """In words, without secrets."""
    words = str(error) or type(error).__name__
    plain = isinstance(error, TargetRefused | OutcomeUnknown)
    return redaction.text(words if plain else f"{type(error).__name__}: {words}")[:1000]


def put_off(run: Attempt, version: SecretVersion, now: datetime) -> datetime | None:
    """Until when an old value whose time has come works on; None where it ends now.

    One that was used in the last 24 hours gets its grace once more, and people are told.
    """
    if version.state != SecretVersion.State.RETIRING:
        return None
    elsewhere = run.rotator.works_until(hand(run.key, version))
    if elsewhere is not None and elsewhere > now:
        return elsewhere
    lately = version.last_used_at is not None and version.last_used_at > now - USED_WITHIN
    grace = reports.terms(run.key.level).grace
    if version.extended_at is not None or not lately or not grace:
        return None
    words = (
        f"Version {version.number} of {run.key} should end now and is still in use. It works "
        f"until {now + grace:%Y-%m-%d %H:%M} UTC; then it is refused."
    )
    alerts.raise_alert(SOURCE, IN_USE, run.key.key_id, HIGH, words, now=now)
    return now + grace
