"""When a back-up was last restored as a trial (`restore --check`), and whether that is overdue."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from aethercrown.models import RestoreTest

if TYPE_CHECKING:
    from aethercrown.backup.restore import RestoreResult

AHEAD_AFTER = timedelta(minutes=1)
MAX_AGE, MARGIN = timedelta(days=35), timedelta(days=4)
# each: the longest time between two scheduled tests; operations adds that of its automation
schedules: list[Callable[[datetime], timedelta]] = []


def record(name: str, done: "RestoreResult", now: datetime) -> bool:
    """Record a successful test of the back-up `name`; False in a database without tables."""
    test = RestoreTest(
        backup=name[:255],
        made_at=datetime.fromisoformat(done.contents.made_at),
        at=now,
        seconds=done.seconds,
        rows=sum(each.rows for each in done.contents.tables.values()),
    )
    try:
        with transaction.atomic():
            test.save()
    except DatabaseError:
        return False
    return True


def last(now: datetime) -> RestoreTest | None:
    """The last test; one of a time that has not come, by a clock that was ahead, is none."""
    return RestoreTest.objects.filter(at__lte=now + AHEAD_AFTER).first()


def overdue(now: datetime) -> bool:
    """Whether the last test, or else the first migration, is longer ago than `max_age`."""
    newest = last(now)
    since = newest.at if newest else migrated_at()
    return since is not None and now - since > MAX_AGE and now - since > max_age(now)


def max_age(now: datetime) -> timedelta:
    """MAX_AGE, or MARGIN beyond the longest time between two scheduled tests if that is more."""
    return max([MAX_AGE, *(wait(now) + MARGIN for wait in schedules)])


def migrated_at() -> datetime | None:
    """When the database was first migrated."""
    applied = MigrationRecorder.Migration.objects.order_by("applied")
    return applied.values_list("applied", flat=True).first()


def recent() -> bool:
    """Whether no restore test is overdue; for /readyz."""
    return not overdue(timezone.now())
