"""Rotating managed keys: one now, those that are due, and what was left half-way.

Every function that rotates takes `strike`, called by name before and after each commit and each
outside call, so that tests can end the process at any of them; see failpoints.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil

from django.db.models import Q
from django.utils import timezone

from security.rotation import failpoints, registry, reports, schedule
from security.rotation.failpoints import Strike
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.policy import EffectivePolicy
from security.rotation.registry import CredentialIssuer, Rotator
from security.rotation.results import RotationFailure, RotationResult, RotationRunResult
from security.rotation.services import bulk as batches
from security.rotation.services import execute
from security.rotation.services import register as custody
from security.rotation.services import scheduled_runs as passes
from security.rotation.services import steps as stages
from security.rotation.services.execute import Attempt, RotationFailed, claimed
from security.rotation.services.register import (
    DuplicateKey,
    InvalidArgument,
    Registered,
    SecretNotFound,
    get,
    pause,
    record_use,
    register,
    resume,
    retire,
    revoke,
    value,
    values,
)
from security.rotation.services.scheduled_runs import realign, resume_passes, set_policy
from security.rotation.services.steps import RotationRequest

__all__ = [
    "DuplicateKey",
    "RotationFailure",
    "InvalidArgument",
    "RotationFailed",
    "RotationRunResult",
    "Registered",
    "RotationResult",
    "SecretNotFound",
    "get",
    "pause",
    "realign",
    "register",
    "resume",
    "resume_runs",
    "retire",
    "revoke",
    "set_policy",
    "record_use",
    "value",
    "values",
]

WrongStep = stages.WrongStep  # the key's state forbids it: 409
InFlight = stages.RotationInProgress  # a WrongStep: another rotation holds the claim: 409
database_now = stages.database_now
Clock = Callable[[], datetime]
Permit = Callable[[Sequence[ManagedSecret]], Sequence[ManagedSecret]]
MANUAL, SCHEDULED, COMPROMISED = "manual", "scheduled", stages.COMPROMISED
BATCH = 500
REASONS = (MANUAL, SCHEDULED, COMPROMISED)
State = ManagedSecret.State
STARTABLE = (State.ACTIVE, State.FAILED)
log = logging.getLogger(__name__)


# --- Rotating ---------------------------------------------------------------------------------
def rotate(
    key_id: str,
    *,
    reason: str = MANUAL,
    grace: timedelta | None = None,
    value: str | None = None,
    force: bool = False,
    expected_version: int | None = None,
    actor: str = "",
    clock: Clock | None = None,
    strike: Strike = failpoints.nothing,
) -> RotationResult:
    """Rotate now. `reason` is manual, scheduled or compromised (at once, without grace).

    `value` is what a person brings (kind manual). `expected_version`: refuse (WrongStep) where
    another is current by now. `force`, with compromised: where the new value cannot be set, the
    old one is revoked all the same, and the key has no value that works. UnknownKey, WrongStep,
    InFlight, NotRotated, Invalid.
    """
    clock = clock or database_now
    key = get(key_id)
    kind = registry.named(key.rotator)
    order = RotationRequest(reason, _minutes(reason, grace), actor)
    _allowed(key, kind, value, order)
    if (
        not kind.automatic
        and not isinstance(kind, CredentialIssuer)
        and value is None
        and not force
    ):
        return _asked(key, kind, reason)
    try:
        with claimed(key, order, clock, strike, STARTABLE) as run:
            _expect(run, expected_version)
            done = execute.through(run, value)
    except RotationFailed:
        if not (force and reason == COMPROMISED):
            raise
        return _given_up(key, kind, order, clock, strike)
    _after(key, done, clock, strike, actor)
    return _answer(key, kind, done, reason)


def _allowed(key: ManagedSecret, kind: Rotator, value: str | None, order: RotationRequest) -> None:
    if order.reason not in REASONS:
        raise InvalidArgument("reason", f"must be one of {', '.join(REASONS)}.")
    if value is not None and (kind.automatic or isinstance(kind, CredentialIssuer)):
        raise InvalidArgument("value", f"The rotator {kind.name} makes the value itself.")
    custody.check_value(Rotator(), value)
    if not kind.overlap and not key.config.get("allow_downtime"):
        raise WrongStep(
            f"{key} has no overlap: its users are cut off for a moment. Set allow_downtime."
        )


def _minutes(reason: str, grace: timedelta | None) -> int | None:
    if grace is None:
        return None
    if grace < timedelta(0):
        raise InvalidArgument("grace", f"is {grace}: must be 0 or more.")
    return 0 if reason == COMPROMISED else ceil(grace / timedelta(minutes=1))


def _asked(key: ManagedSecret, kind: Rotator, reason: str) -> RotationResult:
    """Nothing can happen yet: a person must bring the value."""
    if key.state not in STARTABLE:
        raise WrongStep(f"{key} is {key.state}: it cannot be rotated.")
    version = stages.current_version(key)
    number = version.number if version else 0
    last, due = key.last_rotated_at, key.due_at
    return RotationResult(key.key_id, reason, None, last, due, number, None, None, kind.next_step())


def _expect(run: Attempt, number: int | None) -> None:
    now = stages.current_version(run.key)
    if number is not None and (now is None or now.number != number):
        shown = now.number if now else "none"
        raise WrongStep(f"The current version of {run.key} is {shown}, not {number}.")


def _answer(
    key: ManagedSecret, kind: Rotator, done: execute.CompletedSwitch, reason: str
) -> RotationResult:
    fresh = ManagedSecret.objects.get(pk=key.pk)
    until = done.old.retire_at if done.old else None
    return RotationResult(
        key.key_id,
        reason,
        rotated_at=done.at,
        previous_rotation=key.last_rotated_at,
        next_rotation=fresh.due_at,
        version=done.version.number,
        new_key=done.value or None,
        previous_valid_until=until,
        action_required=kind.next_step()
        if kind.automatic or isinstance(kind, CredentialIssuer)
        else "",
    )


def _given_up(
    key: ManagedSecret, kind: Rotator, order: RotationRequest, clock: Clock, strike: Strike
) -> RotationResult:
    """No new value could be set: end the compromised one all the same."""
    with claimed(key, order, clock, strike, STARTABLE) as run:
        now = clock()
        with run.at("finish"):
            old = stages.end_current(
                run.held, SecretVersion.State.COMPROMISED, now, key_state=State.FAILED
            )
    if old is not None:
        pk = old.pk
        _quietly(lambda: end(key, pk, clock, strike, order.actor))
    words = f"No value of {key} works any more: mend its target, then rotate again."
    number = old.number if old else 0
    due = key.due_at
    return RotationResult(
        key.key_id, order.reason, now, key.last_rotated_at, due, number, None, now, words
    )


def rehearse(
    key_id: str,
    *,
    actor: str = "",
    clock: Clock | None = None,
    strike: Strike = failpoints.nothing,
) -> None:
    """Create, set beside, test and undo, without a switch; NotRotated says what would fail."""
    clock = clock or database_now
    key = get(key_id)
    kind = registry.named(key.rotator)
    if not kind.outside:
        raise WrongStep(
            f"Values of kind {kind.name} are set nowhere: there is nothing to rehearse."
        )
    order = RotationRequest(execute.REHEARSAL, actor=actor)
    with claimed(key, order, clock, strike, (State.ACTIVE,)) as run:
        execute.rehearsed(run)


# --- What is due ------------------------------------------------------------------------------
def rotate_due(
    *,
    actor: str = "",
    force: bool = False,
    permit: Permit = tuple,
    clock: Clock | None = None,
    local_clock: Clock | None = None,
    strike: Strike = failpoints.nothing,
) -> RotationRunResult:
    """Rotate every key that is due, the oldest first, within the hour's limit; safe to repeat.

    `force` lifts the limit and a pause. Keys that need a person raise an alert instead; so do
    those, of the pass's, that `permit` leaves out. What is due is decided by the database's
    clock; `local_clock` only shows whether one has jumped.
    """
    clock = clock or database_now
    now = clock()
    passes.realign()
    begun, chosen = passes.begin(now, (local_clock or timezone.now)(), actor, force=force)
    if begun.paused_because:
        return RotationRunResult([], [], begun.due, begun.due, begun.paused_because)
    allowed = permit(chosen)
    rotations, failures = _rotated(allowed, RotationRequest(SCHEDULED, actor=actor), clock, strike)
    passes.end(begun, len(rotations), len(failures), clock())
    return RotationRunResult(rotations, failures, begun.due, begun.held_back)


def next_due(clock: Clock | None = None) -> list[ManagedSecret]:
    """The keys that an unlimited hour would begin with: as many as one pass may rotate."""
    now = (clock or database_now)()
    return passes.due(now)[
        : schedule.most_an_hour(ManagedSecret.objects.filter(state=State.ACTIVE).count())
    ]


def _rotated(
    keys: Iterable[ManagedSecret], order: RotationRequest, clock: Clock, strike: Strike
) -> tuple[list[RotationResult], list[RotationFailure]]:
    """Those without an outside many at once, the others one by one."""
    together: list[ManagedSecret] = []
    singly: list[ManagedSecret] = []
    for key in keys:
        (singly if registry.named(key.rotator).outside else together).append(key)
    rotations = rotate_many(together, order, clock, strike)
    done = {each.key_id for each in rotations}
    failures = []
    for key in [*singly, *(each for each in together if each.key_id not in done)]:
        try:
            rotations.append(
                rotate(key.key_id, reason=order.reason, actor=order.actor, clock=clock,
                       strike=strike)
            )  # fmt: skip
        except Exception as error:
            log.exception("Key %s could not be rotated", key.pk)
            failures.append(RotationFailure(key.key_id, execute.told(error)))
    return rotations, failures


def rotate_many(
    keys: list[ManagedSecret],
    order: RotationRequest,
    clock: Clock,
    strike: Strike = failpoints.nothing,
    size: int = BATCH,
) -> list[RotationResult]:
    """Rotate keys of kinds without an outside, a batch at a time; those not free are left out."""
    done = []
    terms = reports.all_terms()
    for first in range(0, len(keys), size):
        batch = keys[first : first + size]
        before = {key.pk: key.last_rotated_at for key in batch}
        strike("rotation.before_create")
        prepared = batches.prepare(batch, order, clock())
        strike("rotation.after_create")
        strike("rotation.before_finish")
        finished = batches.finish(prepared, terms, clock())
        strike("rotation.after_finish")
        done += [_in_batch(each, order.reason, before[each.key.pk], terms) for each in finished]
    return done


def _in_batch(
    made: batches.Made, reason: str, previous: datetime | None, terms: Mapping[str, EffectivePolicy]
) -> RotationResult:
    """One of many, without its value; `previous` is when it was rotated before."""
    key = made.key
    at = key.last_rotated_at or key.created_at
    return RotationResult(
        key.key_id,
        reason,
        rotated_at=at,
        previous_rotation=previous,
        next_rotation=key.due_at,
        version=made.number,
        new_key=None,
        previous_valid_until=at + terms[key.level].grace,
        action_required=registry.named(key.rotator).next_step(),
    )


# --- What was left half-way ---------------------------------------------------------------------
def resume_unfinished(clock: Clock | None = None, strike: Strike = failpoints.nothing) -> int:
    """Go on with what crashed or waits for its next attempt, and end what is due; how many."""
    clock = clock or database_now
    done = 0
    for key in _unfinished(clock()):
        done += _quietly(lambda key=key: _revive(key, clock, strike))  # type: ignore[misc]  # bound now
    for key_pk, version in stages.due_to_erase(clock()):
        key = ManagedSecret.objects.get(pk=key_pk)
        done += _quietly(lambda key=key, version=version: end(key, version, clock, strike))  # type: ignore[misc]  # the same
    return done


def _unfinished(now: datetime) -> list[ManagedSecret]:
    """Free keys that need not wait: with a pending value, an approved or a failed rotation."""
    free = stages.unleased().filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
    rows = free.filter(state__in=STARTABLE)
    pending = Q(versions__state=SecretVersion.State.PENDING)
    again = Q(fail_count__gt=0, starts_at__lte=now)
    asked = Q(asked_at__isnull=False)
    return list(rows.filter(pending | again | asked).distinct().order_by("next_attempt_at", "pk"))


def _revive(key: ManagedSecret, clock: Clock, strike: Strike) -> None:
    waiting = SecretVersion.objects.filter(key=key, state=SecretVersion.State.PENDING).first()
    if waiting is None:
        rotate(key.key_id, reason=SCHEDULED, clock=clock, strike=strike)
        return
    order = RotationRequest(
        waiting.reason, waiting.grace_minutes
    )  # it goes on in the name of who resumes
    with claimed(key, order, clock, strike, STARTABLE) as run:
        if waiting.reason == execute.REHEARSAL:
            execute.taken_back(run, waiting, SecretVersion.State.RETIRED, keep=False)
            return
        done = execute.through(run)
    _after(key, done, clock, strike, order.actor)


def _after(
    key: ManagedSecret, done: execute.CompletedSwitch, clock: Clock, strike: Strike, actor: str
) -> None:
    """End the old value at once, if it has no grace left."""
    if done.old is not None and done.old.retire_at is not None and done.old.retire_at <= done.at:
        _quietly(lambda: end(key, done.old.pk, clock, strike, actor))  # type: ignore[union-attr]  # just looked


def end(
    key: ManagedSecret,
    version_pk: int,
    clock: Clock,
    strike: Strike = failpoints.nothing,
    actor: str = "",
) -> None:
    """Revoke an old value outside and erase it, unless it is still in use: then once more."""
    with claimed(key, RotationRequest("retire", actor=actor), clock, strike) as run:
        version = SecretVersion.objects.get(pk=version_pk)
        if version.destroyed_at is not None:
            stages.release(run.held)
            return
        now = clock()
        until = execute.put_off(run, version, now)
        if until is None:
            execute.ended(run, version)
        else:
            stages.extend(run.held, version, until, now)


def _quietly(act: Callable[[], None]) -> int:
    """1 if it was done; what cannot be done now is tried again at the next look."""
    try:
        act()
    except WrongStep as error:
        log.info("Not now: %s", error)
        return 0
    except Exception:
        log.exception("A managed key could not be tended")
        return 0
    return 1
