"""The proof that a back-up comes back: when one last did, and when that is too long ago."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from aethercrown.models import RestoreTest

if TYPE_CHECKING:
    from aethercrown.backup.restore import RestoreResult

TOO_OLD = timedelta(days=35)


def note(name: str, done: "RestoreResult", now: datetime) -> bool:
    """Remember that the back-up `name` came back whole; False where there are no tables for it."""
    trial = RestoreTest(
        backup=name[:255],
        made_at=datetime.fromisoformat(done.contents.made_at),
        at=now,
        seconds=done.seconds,
        rows=sum(each.rows for each in done.contents.tables.values()),
    )
    try:
        with transaction.atomic():
            trial.save()
    except DatabaseError:
        return False
    return True


def last() -> RestoreTest | None:
    return RestoreTest.objects.first()


def overdue(now: datetime) -> bool:
    """Whether none came back in 35 days, or since there are rows to lose if that is longer ago."""
    newest = last()
    since = newest.at if newest else begun()
    return since is not None and now - since > TOO_OLD


def begun() -> datetime | None:
    """When the database was first migrated."""
    applied = MigrationRecorder.Migration.objects.order_by("applied")
    return applied.values_list("applied", flat=True).first()


def recent() -> bool:
    """What /readyz asks."""
    return not overdue(timezone.now())
