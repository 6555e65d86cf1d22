"""Claim and create in one commit, switch in a second; each key keeps its own chain of events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, Max, Q

from aethercrown import bulk
from security.audit.services import Said, record_all
from security.envelope import services as envelope
from security.rotation import registry, schedule
from security.rotation.levels import Terms
from security.rotation.models import Key, Version
from security.stages import services as stages
from security.stages.services import Claim, Order

State = Version.State


class Prepared(NamedTuple):
    """Claims and pending versions of one batch, in the same order."""

    claims: list[Claim]
    versions: list[Version]


def prepare(keys: Sequence[Key], order: Order, now: datetime) -> Prepared:
    """Claim those keys that are free, and store a new value for each, in one commit.

    For kinds without an outside only: nothing happens between the claim and the value.
    """
    last = _last([key.pk for key in keys])
    versions = [stages.made(key, last[key.pk] + 1, order, now) for key in keys if key.pk in last]
    boxes = envelope.seal_many([(_value(each.key), each.place_of(each.key)) for each in versions])
    for version, sealed in zip(versions, boxes, strict=True):
        version.box = sealed
    return _stored(versions, order, now)


@transaction.atomic
def _stored(versions: list[Version], order: Order, now: datetime) -> Prepared:
    asked = bulk.among([each.key_id for each in versions])
    free = stages.free().filter(pk__in=asked, state=Key.State.ACTIVE).order_by("pk")
    fences = dict(free.select_for_update().values_list("pk", "fence"))
    last = _last(list(fences))
    ours = [
        each
        for each in versions
        if fences.get(each.key_id) == each.key.fence and last.get(each.key_id) == each.number - 1
    ]
    held = bulk.among([each.key_id for each in ours])
    Key.objects.filter(pk__in=held).update(lease_until=stages.lease_end(), fence=F("fence") + 1)
    over = Version.objects.filter(key__in=held, state=State.RETIRING)
    stages.erase(over, now, state=State.RETIRED)
    _inserted(ours, now)
    claims = []
    for version in ours:
        version.key.fence += 1
        claims.append(Claim(version.key, version.key.fence, order.actor))
    detail = {"reason": order.reason}
    record_all(
        [_said(claim, "key.created", {**detail, "version": version.number, "fence": claim.fence})
         for claim, version in zip(claims, ours, strict=True)],
        now,
    )  # fmt: skip
    return Prepared(claims, ours)


@transaction.atomic
def finish(prepared: Prepared, terms: Mapping[str, Terms], now: datetime) -> list[Version]:
    """Switch a batch in one commit; those whose claim is another's by now are left out."""
    wanted = {claim.key.pk: claim for claim in prepared.claims}
    locked = Key.objects.filter(pk__in=bulk.among(wanted)).order_by("pk").select_for_update()
    fences = dict(locked.values_list("pk", "fence"))
    ours = [each for each in prepared.versions if fences.get(each.key_id) == each.key.fence]
    by_level: dict[str, list[int]] = {}
    for each in ours:
        by_level.setdefault(each.key.level, []).append(each.key_id)
    for level, keys in by_level.items():
        old = Version.objects.filter(key__in=bulk.among(keys), state=State.CURRENT)
        old.update(state=State.RETIRING, retire_at=now + terms[level].grace)
    pending = Version.objects.filter(
        key__in=bulk.among([each.key_id for each in ours]), state=State.PENDING
    )
    pending.update(state=State.CURRENT, current_at=now)
    _turned(ours, terms, now)
    record_all(
        [_said(wanted[each.key_id], "key.rotated", {"version": each.number, "reason": each.reason})
         for each in ours],
        now,
    )  # fmt: skip
    return ours


def _inserted(versions: Sequence[Version], now: datetime) -> None:
    """Store pending versions, whose other columns are empty yet."""
    columns = ("key_id", "number", "state", "reason", "grace_minutes", "actor", "prefix", "last4",
               "detail", "tries", "created_at", "kek_id", "wrapped", "sealed")  # fmt: skip
    at, state = bulk.stamp(now), str(State.PENDING)
    bulk.insert(
        Version,
        columns,
        (
            (each.key_id, each.number, state, each.reason, each.grace_minutes, each.actor,
             "", "", "{}", 0, at, each.kek_id, each.wrapped, each.sealed)
            for each in versions
        ),
    )  # fmt: skip


def _turned(versions: Sequence[Version], terms: Mapping[str, Terms], now: datetime) -> None:
    """Give each key its next turn, and take the lease off."""
    rows = []
    at = bulk.stamp(now)
    for version in versions:
        key = version.key
        asked = terms[key.level]
        turn = schedule.turn(now, asked.interval, key.uuid, version.number)
        key.last_rotated_at, key.next_rotation_at = now, turn.due_at
        due, starts = bulk.stamp(turn.due_at), bulk.stamp(turn.starts_at)
        rows.append((at, due, starts, asked.interval_days, None, 0, None, "", key.pk))
    columns = ("last_rotated_at", "next_rotation_at", "starts_at", "interval_days", "lease_until",
               "fail_count", "next_attempt_at", "last_error")  # fmt: skip
    bulk.update(Key, columns, ["id"], rows)


def _last(keys: list[int]) -> dict[int, int]:
    """The highest number of each key's versions; a key with a pending one is left out."""
    rows = Version.objects.filter(key__in=bulk.among(keys)).values_list("key")
    pending = Count("pk", filter=Q(state=State.PENDING))
    found = rows.annotate(last=Max("number"), pending=pending).order_by()
    return {key: last for key, last, waiting in found if not waiting}


def _value(key: Key) -> str:
    """A new one; kinds without an outside look at nothing but themselves."""
    return registry.named(key.rotator).generate(registry.bare(key.key_id, key.config)).value


def _said(held: Claim, event: str, detail: Mapping[str, str | int]) -> Said:
    return Said(f"key:{held.key.pk}", event, held.key.key_id, held.actor, detail)
