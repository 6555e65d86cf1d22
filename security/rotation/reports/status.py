"""What is known of managed keys: one key, those due, and all of them. Secrets never."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery

from security.rotation import advice, schedule
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun, SecretVersion
from security.rotation.policy import DEFAULT_GRACE, LEVELS, EffectivePolicy
from security.rotation.results import isoformat

LIVE = (ManagedSecret.State.ACTIVE, ManagedSecret.State.PAUSED, ManagedSecret.State.FAILED)


def terms(level: str) -> EffectivePolicy:
    """What a level asks for: its policy, and the settings where that is silent."""
    return all_terms()[level]


def all_terms() -> dict[str, EffectivePolicy]:
    rows = {row.level: row for row in RotationPolicy.objects.all()}
    return {level: _terms(level, rows.get(level)) for level in LEVELS}


def _terms(level: str, row: RotationPolicy | None) -> EffectivePolicy:
    days = row.interval_days if row else None
    minutes = row.grace_minutes if row else None
    grace = DEFAULT_GRACE[level] if minutes is None else timedelta(minutes=minutes)
    return EffectivePolicy(days or getattr(settings, f"KEY_ROTATION_{level.upper()}_DAYS"), grace)


def keys(rows: QuerySet[ManagedSecret] | None = None) -> QuerySet[ManagedSecret]:
    """Managed keys, all or `rows`, with the number of the current version as `version`."""
    number = SecretVersion.objects.filter(key=OuterRef("pk"), state=SecretVersion.State.CURRENT)
    chosen = ManagedSecret.objects.all() if rows is None else rows
    return chosen.annotate(version=Subquery(number.values("number")[:1]))


def key_info(key: ManagedSecret) -> dict[str, Any]:
    """One key, as the contract shows it."""
    number = getattr(key, "version", None)
    if number is None:
        shown = SecretVersion.objects.filter(key=key).exclude(state=SecretVersion.State.PENDING)
        number = shown.aggregate(number=Max("number"))["number"]
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


def current(key_id: str) -> SecretVersion | None:
    """The current version of a key, with its key."""
    rows = SecretVersion.objects.select_related("key").filter(state=SecretVersion.State.CURRENT)
    return rows.filter(key__key_id=key_id).first()


def working(key_id: str) -> list[SecretVersion]:
    """The versions whose values work, the current one first."""
    states = [SecretVersion.State.CURRENT, SecretVersion.State.RETIRING]
    rows = SecretVersion.objects.select_related("key").filter(key__key_id=key_id, state__in=states)
    return list(rows.order_by("-number"))


def due(now: datetime) -> list[dict[str, Any]]:
    """Keys whose time has come, the longest overdue first."""
    rows = keys().filter(state__in=LIVE, next_rotation_at__lte=now).order_by("due_at")
    return [_late(key, now) for key in rows]


class Glance(NamedTuple):
    """All live keys in a few figures; `next_key` is the first that is still in time."""

    keys: int
    overdue: int
    due_soon: int
    failed: int
    next_key: str
    next_at: datetime | None


def glance(now: datetime) -> Glance:
    """The same as the report's figures, in two queries however many keys there are."""
    live = ManagedSecret.objects.filter(state__in=LIVE)
    late, soon = Q(next_rotation_at__lte=now), Q(next_rotation_at__lte=now + schedule.SOON)
    counts = live.aggregate(
        keys=Count("pk"),
        overdue=Count("pk", filter=late),
        due_soon=Count("pk", filter=soon & ~late),
        failed=Count("pk", filter=Q(fail_count__gt=0) | Q(state=ManagedSecret.State.FAILED)),
    )
    coming = live.filter(state=ManagedSecret.State.ACTIVE, next_rotation_at__gt=now)
    following = coming.order_by("due_at", "pk").first()
    if following is None:
        return Glance(**counts, next_key="", next_at=None)
    return Glance(**counts, next_key=following.key_id, next_at=following.due_at)


def report(now: datetime) -> dict[str, Any]:
    """All keys at a glance; overdue and due soon are computed, never stored."""
    live = list(keys().filter(state__in=LIVE).order_by("due_at", "pk"))
    by_standing: dict[str, list[ManagedSecret]] = {"overdue": [], "due_soon": [], "healthy": []}
    for key in live:
        by_standing[schedule.standing(key, now)].append(key)
    last = RotationRun.objects.first()
    return {
        "generated_at": isoformat(now),
        "total_keys": len(live),
        **{name: len(found) for name, found in by_standing.items()},
        "overdue_keys": [_late(key, now) for key in by_standing["overdue"]],
        "due_soon_keys": [_late(key, now) for key in by_standing["due_soon"]],
        "paused_keys": sum(key.state == ManagedSecret.State.PAUSED for key in live),
        "failing_keys": [key.key_id for key in live if key.fail_count or key.state == "failed"],
        "last_pass_at": isoformat(last.begun_at) if last else None,
        "recommendations": advice.of(live, now, last.begun_at if last else None),
    }


def _late(key: ManagedSecret, now: datetime) -> dict[str, Any]:
    late = now - key.due_at
    return {**key_info(key), "days_overdue": max(0, late.days), "last_error": key.last_error}


def is_silent(now: datetime) -> bool:
    """Whether no pass has run for 26 hours, though there were keys to look after."""
    last = RotationRun.objects.first()
    first_key = ManagedSecret.objects.filter(state__in=LIVE).aggregate(at=Min("created_at"))["at"]
    return schedule.silent(last.begun_at if last else None, first_key, now)


def is_left_over(actor: str, now: datetime) -> bool:
    """Whether the last pass, by `actor`, left keys to the hour's limit, and the hour is over."""
    last = RotationRun.objects.first()
    if last is None or last.actor != actor or last.paused_because:
        return False
    return last.held_back > 0 and last.begun_at <= now - timedelta(hours=1)


def paused_because() -> str:
    """Why passes stand still, if they do."""
    last = RotationRun.objects.exclude(paused_because="").filter(resumed_at=None).first()
    return last.paused_because if last else ""
