"""A lock with a lease in the database, so that one process at a time runs checks."""

from datetime import datetime, timedelta

from django.db.models import Q

from operations.health.models import CheckLock


def acquire(name: str, now: datetime, *, every: timedelta, lease: timedelta) -> bool:
    """Acquire the lock, unless it is held or was acquired less than `every` ago.

    A time of acquisition in the future counts as none: the clock was set back.
    """
    CheckLock.objects.get_or_create(name=name)
    is_free = Q(lease_until=None) | Q(lease_until__lt=now)
    is_due = Q(acquired_at=None) | Q(acquired_at__lte=now - every) | Q(acquired_at__gt=now)
    rows = CheckLock.objects.filter(is_free & is_due, name=name)
    return rows.update(acquired_at=now, lease_until=now + lease) == 1


def release(name: str, now: datetime, run_seconds: float) -> None:
    """Release the lock, and store how long the run took."""
    CheckLock.objects.filter(name=name).update(
        lease_until=None, released_at=now, run_seconds=run_seconds
    )
