"""The database half of a rotation: each function is one commit, made under the key's lease."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, Q, QuerySet

from aethercrown import effects
from aethercrown.db.leases import lease_end, lease_expired
from aethercrown.transitions import InvalidTransition, check_transition
from operations.decisions import services as decisions
from security.audit.services import record
from security.encryption import services as encryption
from security.encryption.models import NO_CIPHERTEXT
from security.rotation import schedule
from security.rotation.models import (
    KeyChannel,
    ManagedSecret,
    OutsideTask,
    RotationPolicy,
    SecretVersion,
)
from security.rotation.registry import IssuedCredential, NewSecret, rotators
from security.rotation.schedule import EffectivePolicy, RotationWindow

Clock = Callable[[], datetime]
Failpoint = Callable[[str], None]  # called by name around each commit and each target call
LEASE_DURATION = timedelta(minutes=5)
COMPROMISED = "compromised"
DECISION_TYPE = schedule.AUTOMATION
# An alert's subject is the key's name alone; another subject here keeps the alert "overdue" from
# blocking the rotation that would resolve it.
SUBJECT_PREFIX = "key "
MAX_ERROR_LENGTH = 2000
MAX_EVENT_TEXT_LENGTH = 500
MAX_PLACE_LENGTH = 500
State = SecretVersion.State
ALLOWED: Mapping[str, frozenset[str]] = {
    State.PENDING: frozenset({State.CURRENT, State.FAILED, State.RETIRED, State.REVOKED}),
    State.CURRENT: frozenset({State.RETIRING, State.REVOKED, State.COMPROMISED, State.RETIRED}),
    State.RETIRING: frozenset({State.RETIRED, State.REVOKED, State.COMPROMISED}),
}  # a pending version is retired at the end of a rehearsal


class RotationInProgress(InvalidTransition):
    """Another rotation holds the key's lease; the API answers 409 with Retry-After."""


class RotationLeaseLost(Exception):
    """Another worker has taken the lease; nothing was changed."""


def no_failpoint(_name: str) -> None:
    """What runs outside tests."""


def database_now() -> datetime:
    """The database's clock, which all workers share."""
    query, to_datetime = NOW[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        [moment] = cursor.fetchone()
    return to_datetime(moment)


NOW: Mapping[str, tuple[str, Callable[[Any], datetime]]] = {
    "postgresql": ("SELECT statement_timestamp()", lambda moment: moment),
    "sqlite": ("SELECT strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')", datetime.fromisoformat),
}


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change a key, valid while the key's fencing token is this one."""

    key: ManagedSecret
    fencing_token: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class RotationRequest:
    """Why a key is rotated, the grace of its old value (None: the level's), and by which clock."""

    reason: str
    grace_minutes: int | None = None
    actor: str = ""
    clock: Clock = database_now
    failpoint: Failpoint = no_failpoint


# --- The lease --------------------------------------------------------------------------------
@transaction.atomic
def acquire(
    key_pk: int,
    purpose: str,
    *,
    actor: str = "",
    states: Iterable[str] = (),
    take_over: bool = False,
) -> Lease:
    """Lease a key by compare-and-set, for five minutes of the database's clock.

    Raises RotationInProgress if leased, unless `take_over`; InvalidTransition unless in `states`
    (empty: any state).
    """
    key = ManagedSecret.objects.get(pk=key_pk)
    allowed = tuple(states) or tuple(ManagedSecret.State.values)
    if key.state not in allowed:
        raise InvalidTransition(f"{key} is {key.state}: it cannot be rotated.")
    free = ManagedSecret.objects.all() if take_over else unleased()
    rows = free.filter(pk=key_pk, fencing_token=key.fencing_token, state__in=allowed)
    if not rows.update(lease_until=lease_end(LEASE_DURATION), fencing_token=F("fencing_token") + 1):
        raise RotationInProgress(f"{key} is being rotated already.")
    key.fencing_token += 1
    lease = Lease(key, key.fencing_token, actor)
    record_event(lease, "key.claimed", {"purpose": purpose, "fencing_token": key.fencing_token})
    return lease


def lock_policies() -> None:
    """Lock the rows of all levels: of what takes this lock one is done after the other."""
    rows = [RotationPolicy(level=level) for level in schedule.LEVELS]
    RotationPolicy.objects.bulk_create(rows, ignore_conflicts=True)
    list(RotationPolicy.objects.select_for_update().order_by("level"))


@transaction.atomic
def release(lease: Lease) -> None:
    _update_leased(lease, release=True)


def record_event(
    lease: Lease, event: str, detail: Mapping[str, object], now: datetime | None = None
) -> None:
    """Add an event to the key's audit stream; call it in the transaction of the change."""
    record(
        stream=f"key:{lease.key.pk}",
        event=event,
        subject=lease.key.key_id,
        actor=lease.actor,
        detail={name: each if type(each) is int else str(each) for name, each in detail.items()},
        now=now,
    )


# --- The pending version ----------------------------------------------------------------------
def pending_version(key: ManagedSecret) -> SecretVersion | None:
    """The version that an earlier attempt left behind; the next one continues with it."""
    return SecretVersion.objects.filter(key=key, state=State.PENDING).first()


def current_version(key: ManagedSecret) -> SecretVersion | None:
    return SecretVersion.objects.filter(key=key, state=State.CURRENT).first()


def store_pending(
    lease: Lease,
    new: NewSecret,
    request: RotationRequest,
    now: datetime,
    place_of: Callable[[SecretVersion], str],
) -> SecretVersion:
    """Store a new value, and its place, before it is set at the target."""
    version = new_version(lease.key, _next_number(lease.key), request, now)
    version.detail = dict(new.detail)
    version.place = place_of(version)
    if new.value:  # sealed before the transaction, so that the wrap counter is not locked in it
        version.ciphertext = encryption.seal(new.value, version.encryption_context(lease.key))
    with transaction.atomic():
        _update_leased(lease)
        version.save(force_insert=True)
        detail = {"version": version.number, "reason": request.reason}
        record_event(lease, "key.created", detail, now)
    return version


@transaction.atomic
def adopt(lease: Lease, version: SecretVersion, request: RotationRequest) -> SecretVersion:
    """Continue with an earlier attempt's version; the reason "compromised" is kept."""
    _update_leased(lease)
    if version.reason != COMPROMISED:
        version.reason, version.grace_minutes = request.reason, request.grace_minutes
        version.save(update_fields=["reason", "grace_minutes"])
    record_event(lease, "key.resumed", {"version": version.number, "reason": version.reason})
    return version


@transaction.atomic
def note_set(lease: Lease, version: SecretVersion, now: datetime, *, unclear: str = "") -> None:
    """Record that the target has the value, or may have it (`unclear` says why)."""
    _update_leased(lease)
    SecretVersion.objects.filter(pk=version.pk).update(set_at=now)
    detail = {"version": version.number, "unclear": unclear[:MAX_EVENT_TEXT_LENGTH]}
    record_event(lease, "key.set", detail, now)


@transaction.atomic
def note_failure(
    lease: Lease, version: SecretVersion, why: str, now: datetime, *, final: bool = False
) -> None:
    """Count a failed test and set the wait; `final`: no test follows. Used up, it stays leased."""
    version.tries = schedule.MAX_FAILED_TESTS if final else version.tries + 1
    SecretVersion.objects.filter(pk=version.pk).update(tries=version.tries)
    _back_off(lease, why, now, keep=schedule.is_used_up(version.tries))
    detail = {"tries": version.tries, "why": why[:MAX_EVENT_TEXT_LENGTH], "version": version.number}
    record_event(lease, "key.test_failed", detail, now)


@transaction.atomic
def discard(
    lease: Lease,
    version: SecretVersion,
    state: str,
    now: datetime,
    *,
    keep: bool,
    left_at: str = "",
) -> None:
    """Erase a pending value, which ends in `state`; `keep` keeps the lease.

    `left_at` is where it may still work.
    """
    check_transition(str(version), version.state, state, ALLOWED)
    _update_leased(lease, release=not keep)
    if left_at:
        _outside_task(lease.key, version, None, left_at, now)
    erase(SecretVersion.objects.filter(pk=version.pk, state=State.PENDING), now, state=state)
    version.state = state
    record_event(lease, "key.discarded", {"version": version.number, "state": state}, now)


@transaction.atomic
def record_failed_attempt(lease: Lease, why: str, now: datetime) -> None:
    """An attempt failed outside the test of a value: set the wait and release the key."""
    _back_off(lease, why, now, keep=False)
    record_event(lease, "key.failed", {"why": why[:MAX_EVENT_TEXT_LENGTH]}, now)


# --- The switch -------------------------------------------------------------------------------
@transaction.atomic
def switch(
    lease: Lease, version: SecretVersion, policy: EffectivePolicy, now: datetime
) -> SecretVersion | None:
    """Make the pending version current; returns the old one, retiring or refused from now on."""
    check_transition(str(version), version.state, State.CURRENT, ALLOWED)
    old = current_version(lease.key)
    window = schedule.rotation_window(now, policy.interval, lease.key.uuid, version.number)
    _update_leased(
        lease,
        release=True,
        last_rotated_at=now,
        due_at=window.due_at,
        eligible_at=window.eligible_at,
        interval_days=policy.interval_days,
        fail_count=0,
        next_attempt_at=None,
        last_error="",
        rotation_approved_at=None,
        **_delivery_tested(lease.key, now),
    )
    failed = ManagedSecret.objects.filter(pk=lease.key.pk, state=ManagedSecret.State.FAILED)
    failed.update(state=ManagedSecret.State.ACTIVE)
    if old is not None:
        _step_down(old, version, policy, now)
    SecretVersion.objects.filter(pk=version.pk).update(state=State.CURRENT, current_at=now)
    version.state, version.current_at = State.CURRENT, now
    detail = {"version": version.number, "reason": version.reason}
    record_event(lease, "key.rotated", detail, now)
    effects.record({"key_id": lease.key.key_id, **detail})
    decisions.mark_applied(DECISION_TYPE, [decision_subject(lease.key)], now)
    return old


def _delivery_tested(key: ManagedSecret, now: datetime) -> dict[str, datetime]:
    """A rotation that a key's own user proved shows that new values reach it."""
    delivers = key.rotator in rotators and rotators.get(key.rotator).delivers
    return {"delivery_tested_at": now} if delivers else {}


def note_changed(lease: Lease, changed: Mapping[str, Any]) -> None:
    """Reschedule a key of another level; a target of another config is untested."""
    if "config" in changed:
        ManagedSecret.objects.filter(pk=lease.key.pk).update(delivery_tested_at=None)
    record_event(lease, "key.changed", {"fields": ", ".join(sorted(changed))})


def reschedule(lease: Lease, policy: EffectivePolicy, window: RotationWindow) -> None:
    """Write another interval and its times."""
    _update_leased(
        lease,
        interval_days=policy.interval_days,
        due_at=window.due_at,
        eligible_at=window.eligible_at,
    )


def note_approval(key: ManagedSecret, at: datetime | None) -> None:
    """Let a worker rotate the key soon, or no longer."""
    ManagedSecret.objects.filter(pk=key.pk).update(rotation_approved_at=at)
    event = "key.rotation_approved" if at else "key.approval_withdrawn"
    record_event(Lease(key, key.fencing_token), event, {})


def note_delivery_tested(key: ManagedSecret, now: datetime) -> None:
    """After a rehearsal: the key's own user proved to have got a value."""
    if tested := _delivery_tested(key, now):
        ManagedSecret.objects.filter(pk=key.pk).update(**tested)


def note_channel_test(channel: KeyChannel, now: datetime, error: str = "") -> None:
    """Record a test of a channel; one that failed, or was changed meanwhile, is untested."""
    tested_at = None if error else now
    tested = ("key_id", "kind", "config", "networks")
    with transaction.atomic():
        stored = KeyChannel.objects.select_for_update().filter(pk=channel.pk).first()
        if stored is None or any(getattr(stored, n) != getattr(channel, n) for n in tested):
            return
        KeyChannel.objects.filter(pk=channel.pk).update(
            tested_at=tested_at, error=error[:MAX_ERROR_LENGTH], test_wanted_at=None
        )


def ask_for_test(channel: KeyChannel, now: datetime) -> None:
    KeyChannel.objects.filter(pk=channel.pk).update(test_wanted_at=now)


def note_read(channel: KeyChannel, version: SecretVersion, now: datetime) -> None:
    """A channel's API key got the current value: it is in use, and the channel works."""
    KeyChannel.objects.filter(pk=channel.pk).update(
        tested_at=now, error="", read_version=version.number, read_at=now
    )
    SecretVersion.objects.filter(pk=version.pk).update(last_used_at=now)


def decision_subject(key: ManagedSecret) -> str:
    return f"{SUBJECT_PREFIX}{key}"


@dataclass(frozen=True, slots=True)
class CompletedSwitch:
    """The version that is current now, its value, and the previous version."""

    version: SecretVersion
    value: str
    old: SecretVersion | None
    at: datetime


@transaction.atomic
def switch_issued(
    lease: Lease,
    issue: Callable[[], IssuedCredential],
    request: RotationRequest,
    policy: EffectivePolicy,
    now: datetime,
) -> CompletedSwitch:
    """Issue a credential of the platform and make it current, in one transaction."""
    _update_leased(lease)
    credential = issue()
    version = new_version(lease.key, _next_number(lease.key), request, now)
    copy_credential(version, credential)
    version.save(force_insert=True)
    return CompletedSwitch(version, credential.value, switch(lease, version, policy, now), now)


def copy_credential(version: SecretVersion, credential: IssuedCredential) -> None:
    """Copy what is stored of a credential that is shown only once."""
    version.digest, version.prefix = credential.digest, credential.prefix
    version.last4, version.detail = credential.last4, dict(credential.detail)


def effective_grace(reason: str, grace_minutes: int | None, policy: EffectivePolicy) -> timedelta:
    """How long the old value still works; 0 if it is compromised."""
    if reason == COMPROMISED:
        return timedelta(0)
    return policy.grace if grace_minutes is None else timedelta(minutes=grace_minutes)


@transaction.atomic
def end_current(lease: Lease, state: str, now: datetime, *, key_state: str) -> SecretVersion | None:
    """Leave the key without a current version: it was revoked, or compromised without successor."""
    _update_leased(lease, release=True, state=key_state)
    old = current_version(lease.key)
    if old is not None:
        check_transition(str(old), old.state, state, ALLOWED)
        SecretVersion.objects.filter(pk=old.pk).update(state=state, retire_at=now, ended_at=now)
    record_event(lease, f"key.{key_state}", {"version": old.number if old else 0}, now)
    return old


def _step_down(
    old: SecretVersion, successor: SecretVersion, policy: EffectivePolicy, now: datetime
) -> None:
    if successor.reason == COMPROMISED:
        old.state, old.retire_at, old.ended_at = State.COMPROMISED, now, now
    else:
        grace = effective_grace(successor.reason, successor.grace_minutes, policy)
        old.state, old.retire_at = State.RETIRING, now + grace
    old.save(update_fields=["state", "retire_at", "ended_at"])


# --- The end of a version -----------------------------------------------------------------------
def versions_to_end(key: ManagedSecret) -> list[SecretVersion]:
    """Versions that are retiring or over and not yet erased, the oldest first."""
    rows = SecretVersion.objects.filter(key=key, retire_at__isnull=False, destroyed_at=None)
    return list(rows.order_by("number"))


def due_to_erase(now: datetime) -> list[tuple[int, int]]:
    """(key, version) primary keys of the versions whose grace is over."""
    rows = SecretVersion.objects.filter(retire_at__lte=now, destroyed_at=None)
    return list(rows.order_by("retire_at", "pk").values_list("key_id", "pk"))


@transaction.atomic
def extend(lease: Lease, version: SecretVersion, until: datetime, now: datetime) -> None:
    """Extend the grace of an old value that is still in use."""
    _update_leased(lease, release=True)
    SecretVersion.objects.filter(pk=version.pk).update(retire_at=until, extended_at=now)
    detail = {"version": version.number, "until": until.isoformat()}
    record_event(lease, "key.extended", detail, now)


@transaction.atomic
def retire(
    lease: Lease,
    version: SecretVersion,
    places: Iterable[tuple[KeyChannel | None, str]],
    now: datetime,
    *,
    keep: bool = False,
) -> list[OutsideTask]:
    """Erase an old value, and note each place where it is still to be ended. `keep`: the lease."""
    _update_leased(lease, release=not keep)
    state = State.RETIRED if version.state == State.RETIRING else version.state
    erase(SecretVersion.objects.filter(pk=version.pk), now, state=state)
    tasks = [_outside_task(lease.key, version, channel, place, now) for channel, place in places]
    record_event(lease, "key.retired", {"version": version.number}, now)
    return tasks


def _outside_task(
    key: ManagedSecret,
    version: SecretVersion,
    channel: KeyChannel | None,
    place: str,
    now: datetime,
) -> OutsideTask:
    """A worker tries again in a minute, unless it is done at once."""
    return OutsideTask.objects.create(
        key=key,
        version=version,
        channel=channel,
        place=place[:MAX_PLACE_LENGTH],
        created_at=now,
        next_attempt_at=now + schedule.retry_wait(1),
    )


@transaction.atomic
def note_outside(task: OutsideTask, now: datetime, error: str) -> None:
    """Record a try to end an old value outside: done, or the wait until the next one."""
    rows = OutsideTask.objects.filter(pk=task.pk, state=OutsideTask.State.OPEN)
    if not error:
        rows.update(state=OutsideTask.State.DONE, ended_at=now, last_error="")
        return
    wait = schedule.retry_wait(task.tries + 1)
    rows.update(
        tries=F("tries") + 1, next_attempt_at=now + wait, last_error=error[:MAX_ERROR_LENGTH]
    )
    if task.tries == 0:
        detail = {"version": task.version.number, "place": task.place, "why": error[:500]}
        record_event(Lease(task.key, task.key.fencing_token), "key.left_outside", detail, now)


@transaction.atomic
def close_outside(task_pk: int, actor: str, now: datetime) -> OutsideTask:
    """A person has ended it. Raises InvalidTransition if the task is not open."""
    task = OutsideTask.objects.select_for_update().select_related("key").get(pk=task_pk)
    if task.state != OutsideTask.State.OPEN:
        raise InvalidTransition(f"{task} is {task.state} already.")
    task.state, task.ended_at, task.ended_by = OutsideTask.State.CLOSED, now, actor
    task.save(update_fields=["state", "ended_at", "ended_by"])
    lease = Lease(task.key, task.key.fencing_token, actor)
    record_event(lease, "key.outside_closed", {"place": task.place}, now)
    return task


@transaction.atomic
def end_key(
    lease: Lease,
    versions: Mapping[SecretVersion, list[tuple[KeyChannel | None, str]]],
    now: datetime,
) -> list[OutsideTask]:
    """Revoke a key: every value refused and erased, and what is left outside noted, at once."""
    _update_leased(
        lease, release=True, state=ManagedSecret.State.REVOKED, rotation_approved_at=None
    )
    tasks = []
    for version, places in versions.items():
        state = State.RETIRED if version.state == State.RETIRING else State.REVOKED
        erase(SecretVersion.objects.filter(pk=version.pk), now, state=state)
        tasks += [_outside_task(lease.key, version, *each, now) for each in places]
    newest = max((each.number for each in versions), default=0)
    record_event(lease, "key.revoked", {"version": newest}, now)
    return tasks


# --- Shared parts -----------------------------------------------------------------------------
def unleased() -> QuerySet[ManagedSecret]:
    """Keys that no worker has leased, by the database's clock."""
    return ManagedSecret.objects.filter(Q(lease_until=None) | lease_expired())


def ready(now: datetime) -> QuerySet[ManagedSecret]:
    """Unleased keys that are not waiting after a failure."""
    return unleased().filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))


def _update_leased(lease: Lease, *, release: bool = False, **changes: Any) -> None:
    """Lock the key's row, renew or end the lease, and write `changes`. Raises RotationLeaseLost."""
    rows = ManagedSecret.objects.filter(pk=lease.key.pk, fencing_token=lease.fencing_token)
    if not rows.update(lease_until=None if release else lease_end(LEASE_DURATION), **changes):
        raise RotationLeaseLost(f"{lease.key} was taken over by another worker.")


def new_version(
    key: ManagedSecret, number: int, request: RotationRequest, now: datetime
) -> SecretVersion:
    """An unsaved pending version."""
    return SecretVersion(
        key=key,
        number=number,
        state=State.PENDING,
        reason=request.reason,
        grace_minutes=request.grace_minutes,
        actor=request.actor,
        created_at=now,
    )


def _next_number(key: ManagedSecret) -> int:
    highest = SecretVersion.objects.filter(key=key).aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1


def _back_off(lease: Lease, why: str, now: datetime, *, keep: bool) -> None:
    lease.key.fail_count += 1
    _update_leased(
        lease,
        fail_count=lease.key.fail_count,
        next_attempt_at=now + schedule.retry_wait(lease.key.fail_count),
        last_error=why[:MAX_ERROR_LENGTH],
        release=not keep,
    )


def erase(rows: QuerySet[SecretVersion], now: datetime, *, state: str) -> None:
    """End versions in `state` and delete their ciphertexts."""
    rows.update(state=state, ended_at=now, destroyed_at=now, **NO_CIPHERTEXT)
