"""Claim and create in one commit, switch in a second; each key keeps its own chain of events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, Max, Q

from aethercrown.db import bulk
from security.audit.services import Said, record_all
from security.encryption import services as encryption
from security.encryption.ciphertext import Ciphertext, EncryptionContext
from security.rotation import registry, schedule
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.policy import EffectivePolicy
from security.rotation.services import steps as stages
from security.rotation.services.steps import RotationRequest

State = SecretVersion.State


class Made(NamedTuple):
    """A key of ours, and its next value under its number; lighter than a row's object."""

    key: ManagedSecret
    number: int
    box: Ciphertext


class Prepared(NamedTuple):
    """The keys of one batch that are claimed, each with its pending value."""

    order: RotationRequest
    made: list[Made]


def prepare(keys: Sequence[ManagedSecret], order: RotationRequest, now: datetime) -> Prepared:
    """Claim those keys that are free, and store a new value for each, in one commit.

    For kinds without an outside only: nothing happens between the claim and the value.
    """
    last = _last([key.pk for key in keys])
    places = [
        (key, EncryptionContext(key.uuid, last[key.pk] + 1, key.key_type))
        for key in keys
        if key.pk in last
    ]
    boxes = encryption.seal_many([(_value(key), place) for key, place in places])
    made = [Made(key, place.number, box) for (key, place), box in zip(places, boxes, strict=True)]
    return _stored(made, order, now)


@transaction.atomic
def _stored(made: list[Made], order: RotationRequest, now: datetime) -> Prepared:
    asked = bulk.among([each.key.pk for each in made])
    free = stages.unleased().filter(pk__in=asked, state=ManagedSecret.State.ACTIVE).order_by("pk")
    fences = dict(free.select_for_update().values_list("pk", "fencing_token"))
    last = _last(list(fences))
    ours = [
        each
        for each in made
        if fences.get(each.key.pk) == each.key.fencing_token
        and last.get(each.key.pk) == each.number - 1
    ]
    held = bulk.among([each.key.pk for each in ours])
    ManagedSecret.objects.filter(pk__in=held).update(
        lease_until=stages.lease_expiry(), fencing_token=F("fencing_token") + 1
    )
    over = SecretVersion.objects.filter(key__in=held, state=State.RETIRING)
    stages.erase(over, now, state=State.RETIRED)
    _inserted(ours, order, now)
    for each in ours:
        each.key.fencing_token += 1
    detail = {"reason": order.reason}
    record_all(
        [_said(each.key, order, "key.created",
               {**detail, "version": each.number, "fencing_token": each.key.fencing_token}) for each in ours],
        now,
    )  # fmt: skip
    return Prepared(order, ours)


@transaction.atomic
def finish(prepared: Prepared, terms: Mapping[str, EffectivePolicy], now: datetime) -> list[Made]:
    """Switch a batch in one commit; those whose claim is another's by now are left out."""
    order = prepared.order
    wanted = bulk.among([each.key.pk for each in prepared.made])
    locked = ManagedSecret.objects.filter(pk__in=wanted).order_by("pk").select_for_update()
    fences = dict(locked.values_list("pk", "fencing_token"))
    ours = [each for each in prepared.made if fences.get(each.key.pk) == each.key.fencing_token]
    _switched([each.key for each in ours], terms, now)
    _turned(ours, terms, now)
    detail = {"reason": order.reason}
    record_all(
        [_said(each.key, order, "key.rotated", {**detail, "version": each.number})
         for each in ours],
        now,
    )  # fmt: skip
    return ours


def _inserted(made: Sequence[Made], order: RotationRequest, now: datetime) -> None:
    """Store pending versions, whose other columns are empty yet."""
    columns = ("key_id", "number", "state", "reason", "grace_minutes", "actor", "prefix", "last4",
               "detail", "tries", "created_at", "kek_id", "wrapped", "sealed")  # fmt: skip
    alike = (str(State.PENDING), order.reason, order.grace_minutes, order.actor,
             "", "", "{}", 0, bulk.stamp(now))  # fmt: skip
    rows = (
        (key.pk, number, *alike, box.kek_id, box.wrapped, box.sealed) for key, number, box in made
    )
    bulk.insert(SecretVersion, columns, rows)


def _switched(
    keys: Sequence[ManagedSecret], terms: Mapping[str, EffectivePolicy], now: datetime
) -> None:
    """The old values begin to retire, and the pending ones are current."""
    by_level: dict[str, list[int]] = {}
    for key in keys:
        by_level.setdefault(key.level, []).append(key.pk)
    for level, pks in by_level.items():
        old = SecretVersion.objects.filter(key__in=bulk.among(pks), state=State.CURRENT)
        old.update(state=State.RETIRING, retire_at=now + terms[level].grace)
    pending = SecretVersion.objects.filter(
        key__in=bulk.among([key.pk for key in keys]), state=State.PENDING
    )
    pending.update(state=State.CURRENT, current_at=now)


def _turned(made: Sequence[Made], terms: Mapping[str, EffectivePolicy], now: datetime) -> None:
    """Give each key its next turn, and take the lease off."""
    rows = []
    at = bulk.stamp(now)
    for key, number, _ in made:
        asked = terms[key.level]
        turn = schedule.turn(now, asked.interval, key.uuid, number)
        key.last_rotated_at, key.due_at = now, turn.due_at
        due, starts = bulk.stamp(turn.due_at), bulk.stamp(turn.eligible_at)
        rows.append((at, due, starts, asked.interval_days, None, 0, None, "", None, key.pk))
    columns = ("last_rotated_at", "due_at", "eligible_at", "interval_days", "lease_until",
               "fail_count", "next_attempt_at", "last_error", "rotation_approved_at")  # fmt: skip
    bulk.update(ManagedSecret, columns, ["id"], rows)


def _last(keys: list[int]) -> dict[int, int]:
    """The highest number of each key's versions; a key with a pending one is left out."""
    rows = SecretVersion.objects.filter(key__in=bulk.among(keys)).values_list("key")
    pending = Count("pk", filter=Q(state=State.PENDING))
    found = rows.annotate(last=Max("number"), pending=pending).order_by()
    return {key: last for key, last, waiting in found if not waiting}


def _value(key: ManagedSecret) -> str:
    """A new one; kinds without an outside look at nothing but themselves."""
    return (
        registry.named(key.rotator).generate(registry.empty_context(key.key_id, key.config)).value
    )


def _said(
    key: ManagedSecret, order: RotationRequest, event: str, detail: Mapping[str, str | int]
) -> Said:
    return Said(f"key:{key.pk}", event, key.key_id, order.actor, detail)
