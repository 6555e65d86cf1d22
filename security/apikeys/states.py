"""States of an API key, from its dates. Pure."""

from datetime import datetime, timedelta

ACTIVE, RETIRING, RETIRED, EXPIRED, REVOKED = "active", "retiring", "retired", "expired", "revoked"
LIVE = frozenset({ACTIVE, RETIRING})
IN_USE_WITHIN = timedelta(hours=24)


def state(
    now: datetime,
    revoked_at: datetime | None,
    expires_at: datetime | None,
    retire_at: datetime | None,
) -> str:
    """One of the five states."""
    if revoked_at is not None and revoked_at <= now:
        return REVOKED
    if expires_at is not None and expires_at <= now:
        return EXPIRED
    if retire_at is not None:
        return RETIRED if retire_at <= now else RETIRING
    return ACTIVE


def ends_soon(created_at: datetime, expires_at: datetime, now: datetime, within: timedelta) -> bool:
    """Whether it ends within `within`, or the last quarter of its lifetime if that is less."""
    return expires_at - now <= min(within, (expires_at - created_at) / 4)


def still_used(last_used_at: datetime | None, rotated_at: datetime, now: datetime) -> bool:
    """Whether a retiring key was used lately, after its successor was issued."""
    if last_used_at is None:
        return False
    return last_used_at > max(rotated_at, now - IN_USE_WITHIN)
