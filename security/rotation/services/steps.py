"""Every step of a rotation on its rows; each is one commit, and names the claim it belongs to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Max, Q, QuerySet
from django.db.models.functions import Now

from security.audit.services import record
from security.encryption import services as encryption
from security.encryption.models import NO_CIPHERTEXT
from security.rotation import retry, schedule
from security.rotation import states as machine
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.policy import EffectivePolicy
from security.rotation.registry import IssuedCredential, NewSecret

__all__ = ["ManagedSecret", "SecretVersion"]  # beside what stands here, the rows that it hands out

LEASE_DURATION = timedelta(minutes=5)
COMPROMISED = "compromised"
RELEASED: Mapping[str, None] = {"lease_until": None}
ENDED_STATES = ("retired", "revoked", "failed", "compromised")
State = SecretVersion.State
WrongStep = machine.WrongStep


class RotationInProgress(WrongStep):
    """Another rotation of the key holds the claim."""


class RotationLeaseLost(Exception):
    """The claim is another's by now; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A key that is ours as long as its fencing_token is."""

    key: ManagedSecret
    fencing_token: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class RotationRequest:
    """Why a key is rotated, and how long its old value still works (None: as its level says)."""

    reason: str
    grace_minutes: int | None = None
    actor: str = ""


# --- The claim --------------------------------------------------------------------------------
@transaction.atomic
def acquire(key_pk: int, purpose: str, *, actor: str = "", states: Iterable[str] = ()) -> Lease:
    """Take a key by compare-and-set, for five minutes of the database's clock.

    InFlight where another has it, WrongStep where its state is none of `states` (any, if empty).
    """
    key = ManagedSecret.objects.get(pk=key_pk)
    allowed = tuple(states) or tuple(ManagedSecret.State.values)
    if key.state not in allowed:
        raise WrongStep(f"{key} is {key.state}: it cannot be rotated.")
    taken = unleased().filter(pk=key_pk, fencing_token=key.fencing_token, state__in=allowed)
    if not taken.update(lease_until=lease_expiry(), fencing_token=F("fencing_token") + 1):
        raise RotationInProgress(f"{key} is being rotated already.")
    key.fencing_token += 1
    made = Lease(key, key.fencing_token, actor)
    record_event(made, "key.claimed", {"purpose": purpose, "fencing_token": key.fencing_token})
    return made


@transaction.atomic
def release(held: Lease) -> None:
    """Give the key back."""
    _hold(held, **RELEASED)


def record_event(
    held: Lease, event: str, detail: Mapping[str, str | int], now: datetime | None = None
) -> None:
    """Record an event of the key, in the transaction of what it tells."""
    record(
        stream=f"key:{held.key.pk}",
        event=event,
        subject=held.key.key_id,
        actor=held.actor,
        detail={name: each if type(each) is int else str(each) for name, each in detail.items()},
        now=now,
    )


def record_lease_lost(held: Lease) -> None:
    """Record that a worker came too late; the claim was another's by then."""
    record_event(held, "key.lost_lease", {"fencing_token": held.fencing_token})


# --- The pending value ------------------------------------------------------------------------
def pending_version(held: Lease) -> SecretVersion | None:
    """What an earlier attempt left: the next one goes on with the same value."""
    return SecretVersion.objects.filter(key=held.key, state=State.PENDING).first()


def current_version(key: ManagedSecret) -> SecretVersion | None:
    return SecretVersion.objects.filter(key=key, state=State.CURRENT).first()


def store_pending(
    held: Lease, fresh: NewSecret, order: RotationRequest, now: datetime
) -> SecretVersion:
    """Store a new value before anybody outside hears of it."""
    version = new_version(held.key, _next_number(held.key), order, now)
    version.detail = dict(fresh.detail)
    if fresh.value:  # sealed before the transaction, which need not hold the counter of wraps
        version.ciphertext = encryption.seal(fresh.value, version.encryption_context(held.key))
    with transaction.atomic():
        _hold(held)
        version.save(force_insert=True)
        record_event(held, "key.created", {"version": version.number, "reason": order.reason}, now)
    return version


@transaction.atomic
def adopt(held: Lease, version: SecretVersion, order: RotationRequest) -> SecretVersion:
    """Go on with an earlier attempt's value for `order`; a compromise stays one."""
    _hold(held)
    if version.reason != COMPROMISED:
        version.reason, version.grace_minutes = order.reason, order.grace_minutes
        version.save(update_fields=["reason", "grace_minutes"])
    record_event(held, "key.resumed", {"version": version.number, "reason": version.reason})
    return version


@transaction.atomic
def note_set(held: Lease, version: SecretVersion, now: datetime, *, unclear: str = "") -> None:
    """The value is outside, or may be."""
    _hold(held)
    SecretVersion.objects.filter(pk=version.pk).update(set_at=now)
    record_event(held, "key.set", {"version": version.number, "unclear": unclear[:500]}, now)


@transaction.atomic
def note_failure(
    held: Lease, version: SecretVersion, why: str, now: datetime, *, final: bool = False
) -> SecretVersion:
    """The value was refused or did not work: count it, and let the key wait before the next try.

    `final`: no later test can end otherwise. While a value is to be undone the key stays ours.
    """
    version.tries = retry.TESTS if final else version.tries + 1
    SecretVersion.objects.filter(pk=version.pk).update(tries=version.tries)
    _back_off(held, why, now, keep=retry.given_up(version.tries))
    failure: dict[str, str | int] = {"tries": version.tries, "why": why[:500]}
    record_event(held, "key.test_failed", {**failure, "version": version.number}, now)
    return version


@transaction.atomic
def discard(held: Lease, version: SecretVersion, state: str, now: datetime, *, keep: bool) -> None:
    """Give a pending value up and erase it; the current one was never touched.

    `state` is failed, or retired at a rehearsal's end. `keep` keeps the claim.
    """
    machine.check(str(version), version.state, state)
    _hold(held, **({} if keep else RELEASED))
    erase(SecretVersion.objects.filter(pk=version.pk, state=State.PENDING), now, state=state)
    version.state = state
    record_event(held, "key.discarded", {"version": version.number, "state": state}, now)


@transaction.atomic
def record_failed_attempt(held: Lease, why: str, now: datetime) -> None:
    """An attempt failed before there was a value: wait, and give the key back."""
    _back_off(held, why, now, keep=False)
    record_event(held, "key.failed", {"why": why[:500]}, now)


# --- The switch -------------------------------------------------------------------------------
@transaction.atomic
def switch(
    held: Lease, version: SecretVersion, terms: EffectivePolicy, now: datetime
) -> SecretVersion | None:
    """The one moment of change: the old value begins to retire, the pending one is current.

    A compromised value is refused from this commit on. Returns the old version.
    """
    machine.check(str(version), version.state, State.CURRENT)
    old = current_version(held.key)
    turn = schedule.turn(now, terms.interval, held.key.uuid, version.number)
    _hold(
        held,
        lease_until=None,
        last_rotated_at=now,
        due_at=turn.due_at,
        eligible_at=turn.eligible_at,
        interval_days=terms.interval_days,
        fail_count=0,
        next_attempt_at=None,
        last_error="",
        rotation_approved_at=None,
    )
    ManagedSecret.objects.filter(pk=held.key.pk, state=ManagedSecret.State.FAILED).update(
        state=ManagedSecret.State.ACTIVE
    )
    if old is not None:
        _step_down(old, version, terms, now)
    SecretVersion.objects.filter(pk=version.pk).update(state=State.CURRENT, current_at=now)
    version.state, version.current_at = State.CURRENT, now
    record_event(held, "key.rotated", {"version": version.number, "reason": version.reason}, now)
    return old


class IssuedSwitch(NamedTuple):
    """What a switch in one transaction made."""

    version: SecretVersion
    issue: IssuedCredential
    old: SecretVersion | None


@transaction.atomic
def switch_issued(
    held: Lease,
    make: Callable[[], IssuedCredential],
    order: RotationRequest,
    terms: EffectivePolicy,
    now: datetime,
) -> IssuedSwitch:
    """Make a credential of the platform and let it be current, in one transaction."""
    _hold(held)
    issue = make()
    version = new_version(held.key, _next_number(held.key), order, now)
    copy_credential(version, issue)
    version.save(force_insert=True)
    return IssuedSwitch(version, issue, switch(held, version, terms, now))


def copy_credential(version: SecretVersion, issue: IssuedCredential) -> None:
    """What is kept of a credential that is shown only once."""
    version.digest, version.prefix, version.last4 = issue.digest, issue.prefix, issue.last4
    version.detail = dict(issue.detail)


def effective_grace(order: RotationRequest, terms: EffectivePolicy) -> timedelta:
    """How long the old value works on: not at all once it is compromised."""
    if order.reason == COMPROMISED:
        return timedelta(0)
    minutes = order.grace_minutes
    return terms.grace if minutes is None else timedelta(minutes=minutes)


@transaction.atomic
def end_current(held: Lease, state: str, now: datetime, *, key_state: str) -> SecretVersion | None:
    """Let no version be current any more: the key was revoked, or compromised beyond repair."""
    _hold(held, state=key_state, lease_until=None)
    old = current_version(held.key)
    if old is not None:
        machine.check(str(old), old.state, state)
        SecretVersion.objects.filter(pk=old.pk).update(state=state, retire_at=now, ended_at=now)
    record_event(held, f"key.{key_state}", {"version": old.number if old else 0}, now)
    return old


def _step_down(
    old: SecretVersion, successor: SecretVersion, terms: EffectivePolicy, now: datetime
) -> None:
    if successor.reason == COMPROMISED:
        old.state, old.retire_at, old.ended_at = State.COMPROMISED, now, now
    else:
        order = RotationRequest(successor.reason, successor.grace_minutes)
        old.state, old.retire_at = State.RETIRING, now + effective_grace(order, terms)
    old.save(update_fields=["state", "retire_at", "ended_at"])


# --- The end of a value -----------------------------------------------------------------------
def versions_to_end(key: ManagedSecret) -> list[SecretVersion]:
    """Versions that work no more or soon will not, and are not erased yet; the oldest first."""
    over = Q(state=State.RETIRING) | Q(state__in=ENDED_STATES, retire_at__isnull=False)
    return list(SecretVersion.objects.filter(over, key=key, destroyed_at=None).order_by("number"))


def due_to_erase(now: datetime) -> list[tuple[int, int]]:
    """(key, version) of what is due to be revoked and erased."""
    rows = SecretVersion.objects.filter(retire_at__lte=now, destroyed_at=None)
    return list(rows.order_by("retire_at", "pk").values_list("key_id", "pk"))


@transaction.atomic
def extend(held: Lease, version: SecretVersion, until: datetime, now: datetime) -> None:
    """Let an old value that is still in use live once more for its grace."""
    _hold(held, **RELEASED)
    SecretVersion.objects.filter(pk=version.pk).update(retire_at=until, extended_at=now)
    record_event(held, "key.extended", {"version": version.number, "until": until.isoformat()}, now)


@transaction.atomic
def retire(held: Lease, version: SecretVersion, now: datetime, *, keep: bool = False) -> None:
    """The old value is revoked outside: erase it here. `keep` keeps the claim."""
    _hold(held, **({} if keep else RELEASED))
    state = State.RETIRED if version.state == State.RETIRING else version.state
    erase(SecretVersion.objects.filter(pk=version.pk), now, state=state)
    record_event(held, "key.retired", {"version": version.number}, now)


# --- Parts ------------------------------------------------------------------------------------
def database_now() -> datetime:
    """The one clock that all workers share."""
    question, as_time = NOW[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(question)
        [moment] = cursor.fetchone()
    return as_time(moment)


def _from_text(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


NOW: Mapping[str, tuple[str, Callable[[Any], datetime]]] = {
    "postgresql": ("SELECT statement_timestamp()", lambda moment: moment),
    "sqlite": ("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')", _from_text),
}


def unleased() -> QuerySet[ManagedSecret]:
    """Keys that nobody holds, by the database's clock."""
    return ManagedSecret.objects.filter(Q(lease_until=None) | Q(lease_until__lt=Now()))


def lease_expiry() -> ExpressionWrapper[Any]:
    return ExpressionWrapper(Now() + LEASE_DURATION, output_field=DateTimeField())


def _hold(held: Lease, **changes: Any) -> None:
    """Lock the key for the transaction, renew its lease, and write; LostLease if not ours."""
    ours = ManagedSecret.objects.filter(pk=held.key.pk, fencing_token=held.fencing_token)
    if not ours.update(**{"lease_until": lease_expiry(), **changes}):
        raise RotationLeaseLost(f"{held.key} was taken over by another worker.")


def new_version(
    key: ManagedSecret, number: int, order: RotationRequest, now: datetime
) -> SecretVersion:
    return SecretVersion(
        key=key,
        number=number,
        state=State.PENDING,
        reason=order.reason,
        grace_minutes=order.grace_minutes,
        actor=order.actor,
        created_at=now,
    )


def _next_number(key: ManagedSecret) -> int:
    highest = SecretVersion.objects.filter(key=key).aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1


def _back_off(held: Lease, why: str, now: datetime, *, keep: bool) -> None:
    held.key.fail_count += 1
    _hold(
        held,
        fail_count=held.key.fail_count,
        next_attempt_at=now + retry.wait(held.key.fail_count),
        last_error=why[:2000],
        **({} if keep else RELEASED),
    )


def erase(rows: QuerySet[SecretVersion], now: datetime, *, state: str) -> None:
    rows.update(state=state, ended_at=now, destroyed_at=now, **NO_CIPHERTEXT)
