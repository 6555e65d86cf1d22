"""Managed keys one by one, those that are due, and all of them in figures."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery

from aethercrown.backup import automation_pause
from aethercrown.formatting import counted, date_text
from aethercrown.search import row_source
from operations.automations import reports as automations
from security.rotation import schedule
from security.rotation.alerts import RUN_MISSED_MESSAGE
from security.rotation.models import (
    ManagedSecret,
    OutsideTask,
    RotationPolicy,
    RotationRun,
    SecretVersion,
)
from security.rotation.results import isoformat
from security.rotation.schedule import CRITICAL, DEFAULT_GRACE, LEVELS, EffectivePolicy

State = ManagedSecret.State
DAY = timedelta(days=1)
LIVE_STATES = (State.ACTIVE, State.PAUSED, State.FAILED)


def effective_policy(level: str) -> EffectivePolicy:
    """The level's policy, completed from the settings."""
    return effective_policies()[level]


def effective_policies() -> dict[str, EffectivePolicy]:
    stored = {row.level: row for row in RotationPolicy.objects.all()}
    found = {}
    for level in LEVELS:
        row = stored.get(level, RotationPolicy(level=level))
        days = row.interval_days or getattr(settings, f"KEY_ROTATION_{level.upper()}_DAYS")
        minutes = row.grace_minutes
        grace = DEFAULT_GRACE[level] if minutes is None else timedelta(minutes=minutes)
        found[level] = EffectivePolicy(days, grace)
    return found


def keys_with_version() -> QuerySet[ManagedSecret]:
    """All keys, with the number of the current version as `version`."""
    current = SecretVersion.objects.filter(key=OuterRef("pk"), state=SecretVersion.State.CURRENT)
    return ManagedSecret.objects.annotate(version=Subquery(current.values("number")[:1]))


def key_info(key: ManagedSecret) -> dict[str, Any]:
    """One key in the contract's form."""
    number = getattr(key, "version", None)
    if number is None:
        versions = SecretVersion.objects.filter(key=key)
        stored = versions.exclude(state=SecretVersion.State.PENDING)
        number = stored.aggregate(number=Max("number"))["number"]
    return {
        "key_id": key.key_id,
        "key_type": key.key_type,
        "security_level": key.level,
        "rotator": key.rotator,
        "state": key.state,
        "owner": key.owner,
        "created_at": isoformat(key.created_at),
        "last_rotated": isoformat(key.last_rotated_at),
        "rotation_interval_days": key.interval_days,
        "next_rotation": isoformat(key.due_at),
        "version": number,
    }


def unchanged(key: ManagedSecret, reason: str) -> dict[str, Any]:
    """The contract's `rotation` of a key that was not rotated yet."""
    return {
        "key_id": key.key_id,
        "reason": reason,
        "rotated_at": None,
        "previous_rotation": isoformat(key.last_rotated_at),
        "next_rotation": isoformat(key.due_at),
        "version": key_info(key)["version"],
        "new_key": None,
        "previous_valid_until": None,
    }


def left_outside() -> dict[str, list[str]]:
    """By key, what was ended here and could not be ended outside yet."""
    tasks = OutsideTask.objects.filter(state=OutsideTask.State.OPEN, tries__gt=0)
    found: dict[str, list[str]] = {}
    for key_id, place in tasks.order_by("pk").values_list("key__key_id", "place"):
        found.setdefault(key_id, []).append(place)
    return found


def recent_rotations() -> list[SecretVersion]:
    """The 50 versions that last became current, with their keys."""
    rows = SecretVersion.objects.exclude(current_at=None).select_related("key")
    return list(rows.order_by("-current_at", "-pk")[:50])


def due(now: datetime) -> list[dict[str, Any]]:
    """Overdue keys, the longest overdue first."""
    rows = keys_with_version().filter(state__in=LIVE_STATES, due_at__lte=now).order_by("due_at")
    return [_overdue_info(key, now) for key in rows]


class KeyCounts(NamedTuple):
    """All live keys in figures; `next_key` is the first active one that is not yet due."""

    keys: int
    overdue: int
    due_soon: int
    failed: int
    next_key: str
    next_at: datetime | None


def key_counts(now: datetime) -> KeyCounts:
    """The report's figures, in one query."""
    live = ManagedSecret.objects.filter(state__in=LIVE_STATES)
    works = ~Q(state=State.FAILED)
    overdue, due_soon = works & Q(due_at__lte=now), works & due_soon_at(now)
    coming = live.filter(state=State.ACTIVE, due_at__gt=now).order_by("due_at", "pk")
    counts = live.aggregate(
        keys=Count("pk"),
        overdue=Count("pk", filter=overdue),
        due_soon=Count("pk", filter=due_soon & ~overdue),
        failed=Count("pk", filter=Q(fail_count__gt=0) | Q(state=State.FAILED)),
        next_key=Max(Subquery(coming.values("key_id")[:1])),  # the same in every row
        next_at=Max(Subquery(coming.values("due_at")[:1])),
    )
    return KeyCounts(**{**counts, "next_key": counts["next_key"] or ""})


def due_soon_at(now: datetime) -> Q:
    """Keys that are due soon, or were due: by the interval of each."""
    shortest = schedule.DUE_SOON.days * schedule.DUE_SOON_SHARE
    found = Q(interval_days__gte=shortest, due_at__lte=now + schedule.DUE_SOON)
    for days in range(1, shortest):
        within = schedule.due_soon_within(days)
        found |= Q(interval_days=days, due_at__lte=now + within)
    return found


def report(now: datetime) -> dict[str, Any]:
    """The contract's report on all live keys."""
    live = list(keys_with_version().filter(state__in=LIVE_STATES).order_by("due_at", "pk"))
    by_status: dict[str, list[ManagedSecret]] = {
        "overdue": [], "due_soon": [], "healthy": [], "failing": [],
    }  # fmt: skip
    for key in live:
        by_status[status_of(key, now)].append(key)
    last = RotationRun.objects.first()
    return {
        "generated_at": isoformat(now),
        "total_keys": len(live),
        **{status: len(found) for status, found in by_status.items()},
        "overdue_keys": [_overdue_info(key, now) for key in by_status["overdue"]],
        "due_soon_keys": [_overdue_info(key, now) for key in by_status["due_soon"]],
        "paused_keys": sum(key.state == State.PAUSED for key in live),
        "failing_keys": [key.key_id for key in live if key.fail_count or key.state == "failed"],
        "last_run_at": isoformat(last.begun_at if last else None),
        "recommendations": recommendations(
            live, now, _runs_missed_since(last, now), _runs_apart(now)
        ),
    }


def status_of(key: ManagedSecret, now: datetime) -> str:
    """Failing for a key without a working value, whenever it is due; else by its due time."""
    return "failing" if key.state == State.FAILED else due_status(key, now)


def due_status(key: ManagedSecret, now: datetime) -> str:
    return schedule.due_status(key.due_at, key.interval_days, now)


def recommendations(
    rows: Sequence[ManagedSecret],
    now: datetime,
    last_run_at: datetime | None,
    runs_apart: timedelta = DAY,
) -> list[str]:
    """What a person should do about the keys, the most urgent first."""
    overdue = [key for key in rows if due_status(key, now) == "overdue"]
    urgent = [
        key
        for key in overdue
        if key.level == CRITICAL or schedule.is_long_overdue(key.due_at, key.interval_days, now)
    ]
    found = [
        f"{key.key_id} has no value that works: rotate it, or register a new value."
        for key in rows
        if key.state == "failed"
    ]
    found += [
        f"Rotate {key.key_id}: it is {key.level} and overdue since {date_text(key.due_at)}."
        for key in sorted(urgent, key=lambda key: key.due_at)
    ]
    failing = sorted(key.key_id for key in rows if key.fail_count)
    if failing:
        found.append(f"See why rotation fails for {', '.join(failing)}.")
    others = len(overdue) - len(urgent)
    if others:
        found.append(f"Rotate the {counted(others, 'other overdue key')}.")
    first_key_at = min((key.created_at for key in rows), default=None)
    if schedule.is_run_missed(last_run_at, first_key_at, runs_apart, now):
        found.append(RUN_MISSED_MESSAGE)
    return found


def _overdue_info(key: ManagedSecret, now: datetime) -> dict[str, Any]:
    days = max(0, (now - key.due_at).days)
    return {**key_info(key), "days_overdue": days, "last_error": key.last_error}


def is_run_missed(now: datetime) -> bool:
    """Whether there were live keys, and a run in any mode is late by its schedule.

    No while the automation is off, or all are paused; and the time begins again afterwards.
    """
    live = ManagedSecret.objects.filter(state__in=LIVE_STATES)
    first_key_at = live.aggregate(at=Min("created_at"))["at"]
    since = _runs_missed_since(RotationRun.objects.first(), now)
    return schedule.is_run_missed(since, first_key_at, _runs_apart(now), now)


def _runs_apart(now: datetime) -> timedelta:
    """How far its scheduled runs are apart at most; a day, or longer by its schedule."""
    return max(DAY, automations.longest_wait(schedule.AUTOMATION, now))


def _runs_missed_since(last: RotationRun | None, now: datetime) -> datetime | None:
    """Since when a run may be missing: the last one, or when runs were last switched on again."""
    is_on = settings.AUTOMATION_ENABLED and schedule.AUTOMATION in automations.switched_on()
    if not is_on or automation_pause.is_paused():
        return now
    known = (
        last.begun_at if last else None,
        automations.switched_on_at(schedule.AUTOMATION),
        automation_pause.ended_at(),
    )
    return max((each for each in known if each is not None), default=None)


def is_catch_up_due(actor: str, now: datetime) -> bool:
    """Whether the last run, by `actor`, left keys over the limit at least an hour ago."""
    last = RotationRun.objects.first()
    if last is None or last.mode != RotationRun.Mode.AUTO:
        return False
    if last.actor != actor or last.paused_because:
        return False
    return last.held_back > 0 and last.begun_at <= now - timedelta(hours=1)


def paused_because() -> str:
    """Why runs are paused; empty if they are not."""
    last = RotationRun.objects.exclude(paused_because="").filter(resumed_at=None).first()
    return last.paused_because if last else ""


SEARCH = row_source(
    "Managed keys",
    ManagedSecret.objects.all,
    ("key_id", "owner"),
    note=lambda key: f"{key.key_type}, {key.state}",
    page=lambda _key: "/dashboards/keys",
)
