"""Rotate keys without a target in batches: one commit to create the values, one to switch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, Max, Q

from aethercrown.db import bulk
from aethercrown.db.leases import lease_end
from operations.decisions import services as decisions
from security.audit.services import AuditEntry, record_all
from security.encryption import services as encryption
from security.encryption.ciphertext import Ciphertext, EncryptionContext
from security.rotation import reports, schedule
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.registry import empty_context, rotators
from security.rotation.results import RotationResult
from security.rotation.schedule import EffectivePolicy
from security.rotation.services import steps
from security.rotation.services.steps import RotationRequest

BATCH_SIZE = 500
State = SecretVersion.State


class NewVersion(NamedTuple):
    """A key and its next value; lighter than a model instance."""

    key: ManagedSecret
    number: int
    ciphertext: Ciphertext


def rotate_many(
    keys: list[ManagedSecret], request: RotationRequest, size: int = BATCH_SIZE
) -> list[RotationResult]:
    """Rotate keys without a target, `size` at a time; leased keys are left out."""
    results = []
    policies = reports.effective_policies()
    for first in range(0, len(keys), size):
        batch = keys[first : first + size]
        before = {key.pk: key.last_rotated_at for key in batch}
        request.failpoint("rotation.before_create")
        prepared = prepare(batch, request, request.clock())
        request.failpoint("rotation.after_create")
        request.failpoint("rotation.before_finish")
        switched = switch(prepared, request, policies, request.clock())
        request.failpoint("rotation.after_finish")
        results += [
            _result(each, request.reason, before[each.key.pk], policies) for each in switched
        ]
    return results


def _result(
    new: NewVersion, reason: str, previous: datetime | None, policies: Mapping[str, EffectivePolicy]
) -> RotationResult:
    """The result without the value; `previous` is the time of the rotation before."""
    key = new.key
    at = key.last_rotated_at or key.created_at
    until = at + policies[key.level].grace
    action = rotators.get(key.rotator).required_action
    return RotationResult(
        key.key_id, reason, at, previous, key.due_at, new.number, None, until, action
    )


def prepare(
    keys: Sequence[ManagedSecret], request: RotationRequest, now: datetime
) -> list[NewVersion]:
    """Lease the unleased keys and store a new value for each, in one commit."""
    last = _last_numbers([key.pk for key in keys])
    free = [key for key in keys if key.pk in last]
    values = [
        rotators.get(key.rotator).generate(empty_context(key.key_id, key.config)) for key in free
    ]
    contexts = [EncryptionContext(key.uuid, last[key.pk] + 1, key.key_type) for key in free]
    sealed = encryption.seal_many(
        [(new.value, context) for new, context in zip(values, contexts, strict=True)]
    )
    made = zip(free, contexts, sealed, strict=True)
    return _store(
        [NewVersion(key, context.number, each) for key, context, each in made], request, now
    )


@transaction.atomic
def _store(made: list[NewVersion], request: RotationRequest, now: datetime) -> list[NewVersion]:
    wanted = bulk.among([each.key.pk for each in made])
    active = ManagedSecret.State.ACTIVE
    unleased = steps.unleased().filter(pk__in=wanted, state=active).order_by("pk")
    tokens = dict(unleased.select_for_update().values_list("pk", "fencing_token"))
    last = _last_numbers(list(tokens))
    ours = [
        each
        for each in made
        if tokens.get(each.key.pk) == each.key.fencing_token
        and last.get(each.key.pk) == each.number - 1
    ]
    leased = bulk.among([each.key.pk for each in ours])
    ManagedSecret.objects.filter(pk__in=leased).update(
        lease_until=lease_end(steps.LEASE_DURATION), fencing_token=F("fencing_token") + 1
    )
    steps.erase(
        SecretVersion.objects.filter(key__in=leased, state=State.RETIRING), now, state=State.RETIRED
    )
    _insert_pending(ours, request, now)
    for each in ours:
        each.key.fencing_token += 1
    created = [
        _entry("key.created", each, request, fencing_token=each.key.fencing_token) for each in ours
    ]
    record_all(created, now)
    return ours


@transaction.atomic
def switch(
    made: list[NewVersion],
    request: RotationRequest,
    policies: Mapping[str, EffectivePolicy],
    now: datetime,
) -> list[NewVersion]:
    """Make the new values current in one commit; keys whose lease was lost are left out."""
    wanted = bulk.among([each.key.pk for each in made])
    locked = ManagedSecret.objects.filter(pk__in=wanted).order_by("pk").select_for_update()
    tokens = dict(locked.values_list("pk", "fencing_token"))
    ours = [each for each in made if tokens.get(each.key.pk) == each.key.fencing_token]
    _switch_versions(ours, policies, now)
    _reschedule(ours, policies, now)
    record_all([_entry("key.rotated", each, request) for each in ours], now)
    subjects = [steps.decision_subject(each.key) for each in ours]
    decisions.mark_applied(steps.DECISION_TYPE, subjects, now)
    return ours


def _insert_pending(made: Sequence[NewVersion], request: RotationRequest, now: datetime) -> None:
    columns = ("key_id", "number", "state", "reason", "grace_minutes", "actor", "prefix", "last4",
               "detail", "place", "tries", "created_at", "kek_id", "wrapped", "sealed")  # fmt: skip
    same = (str(State.PENDING), request.reason, request.grace_minutes, request.actor,
            "", "", "{}", "", 0, bulk.stamp(now))  # fmt: skip
    rows = (
        (key.pk, number, *same, sealed.kek_id, sealed.wrapped, sealed.sealed)
        for key, number, sealed in made
    )
    bulk.insert(SecretVersion, columns, rows)


def _switch_versions(
    made: Sequence[NewVersion], policies: Mapping[str, EffectivePolicy], now: datetime
) -> None:
    """Current versions become retiring, pending ones current."""
    versions = SecretVersion.objects.filter(key__in=bulk.among([each.key.pk for each in made]))
    for level, policy in policies.items():
        old = versions.filter(key__level=level, state=State.CURRENT)
        old.update(state=State.RETIRING, retire_at=now + policy.grace)
    versions.filter(state=State.PENDING).update(state=State.CURRENT, current_at=now)


def _reschedule(
    made: Sequence[NewVersion], policies: Mapping[str, EffectivePolicy], now: datetime
) -> None:
    """Set the next due time of each key and release it."""
    rows = []
    at = bulk.stamp(now)
    for key, number, _ in made:
        policy = policies[key.level]
        window = schedule.rotation_window(now, policy.interval, key.uuid, number)
        key.last_rotated_at, key.due_at = now, window.due_at
        due, eligible = bulk.stamp(window.due_at), bulk.stamp(window.eligible_at)
        rows.append((at, due, eligible, policy.interval_days, None, 0, None, "", None, key.pk))
    columns = ("last_rotated_at", "due_at", "eligible_at", "interval_days", "lease_until",
               "fail_count", "next_attempt_at", "last_error", "rotation_approved_at")  # fmt: skip
    bulk.update(ManagedSecret, columns, ["id"], rows)


def _last_numbers(keys: list[int]) -> dict[int, int]:
    """Each key's highest version number; keys with a pending version are left out."""
    rows = SecretVersion.objects.filter(key__in=bulk.among(keys)).values_list("key")
    pending = Count("pk", filter=Q(state=State.PENDING))
    found = rows.annotate(last=Max("number"), pending=pending).order_by()
    return {key: last for key, last, pending in found if not pending}


def _entry(event: str, new: NewVersion, request: RotationRequest, **more: int) -> AuditEntry:
    detail: dict[str, str | int] = {"reason": request.reason, "version": new.number, **more}
    return AuditEntry(f"key:{new.key.pk}", event, new.key.key_id, request.actor, detail)
