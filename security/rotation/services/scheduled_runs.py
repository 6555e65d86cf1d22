"""Entering a pass and choosing its keys, under one lock; and what levels ask for."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, Sum

from security.rotation import registry, reports, schedule
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun
from security.rotation.policy import LEVELS
from security.rotation.services import register as custody
from security.rotation.services import steps as stages

State = ManagedSecret.State


@transaction.atomic
def begin(
    now: datetime, local: datetime, actor: str, *, force: bool
) -> tuple[RotationRun, list[ManagedSecret]]:
    """Enter a pass and choose its keys, under one lock, so that two share the hour's limit."""
    _lock_policies()
    last = RotationRun.objects.first()
    waiting = due(now)
    ready = len(waiting)
    hour = RotationRun.objects.filter(begun_at__gt=now - timedelta(hours=1), begun_at__lte=now)
    given = hour.aggregate(given=Sum(F("due") - F("held_back")))["given"] or 0
    around = schedule.Around(
        keys=ManagedSecret.objects.filter(state=State.ACTIVE).count(),
        due=ready,
        begun_this_hour=given,
        now=now,
        local_now=local,
        last_pass_at=last.begun_at if last else None,
        paused=bool(reports.paused_because()),
    )
    allowed = schedule.Round(ready) if force else schedule.round_of(around)
    chosen = waiting[: allowed.room]
    begun = RotationRun.objects.create(
        begun_at=now,
        actor=actor,
        due=ready,
        held_back=ready - len(chosen),
        paused_because=allowed.paused_because,
    )
    return begun, chosen


def due(now: datetime) -> list[ManagedSecret]:
    """Free keys that nobody has to help with, whose time has come, the longest due first."""
    free = stages.unleased().filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
    alone = [name for name in registry.names() if registry.named(name).automatic]
    rows = free.filter(state=State.ACTIVE, starts_at__lte=now, rotator__in=alone)
    return list(rows.order_by("due_at", "pk"))


def end(begun: RotationRun, rotated: int, failed: int, now: datetime) -> None:
    """Note what became of a pass."""
    RotationRun.objects.filter(pk=begun.pk).update(ended_at=now, rotated=rotated, failed=failed)


@transaction.atomic
def set_policy(
    level: str, *, interval_days: int | None, grace_minutes: int | None, actor: str = ""
) -> RotationPolicy:
    """Change what a level asks for; keys of that level get their new due times at once."""
    if level not in LEVELS:
        raise custody.InvalidArgument("level", f"must be one of {', '.join(LEVELS)}.")
    policy, _ = RotationPolicy.objects.get_or_create(level=level)
    policy.interval_days, policy.grace_minutes = interval_days, grace_minutes
    policy.save()
    realign()
    return policy


def realign() -> int:
    """Give keys whose level asks for another interval by now their new due times; how many."""
    changed = 0
    for level, asked in reports.all_terms().items():
        rows = ManagedSecret.objects.filter(level=level).exclude(interval_days=asked.interval_days)
        for key in rows:
            since = key.last_rotated_at or key.created_at
            version = stages.current_version(key)
            turn = schedule.turn(since, asked.interval, key.uuid, version.number if version else 1)
            changed += ManagedSecret.objects.filter(pk=key.pk).update(
                interval_days=asked.interval_days,
                due_at=turn.due_at,
                eligible_at=turn.eligible_at,
            )
    return changed


def resume_passes(*, actor: str) -> None:
    """A person has looked at a paused pass: the next one may rotate again."""
    paused = RotationRun.objects.filter(resumed_at=None).exclude(paused_because="")
    paused.update(resumed_at=stages.database_now(), resumed_by=actor)


def _lock_policies() -> None:
    """The one lock that passes share."""
    rows = [RotationPolicy(level=level) for level in LEVELS]
    RotationPolicy.objects.bulk_create(rows, ignore_conflicts=True)
    list(RotationPolicy.objects.select_for_update().order_by("level"))
