"""The age of the last restore test."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from aethercrown.backup import last_restore_test
from aethercrown.backup.manifest import Manifest, TableDigest
from aethercrown.backup.restore import RestoreResult
from aethercrown.models import RestoreTest

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def done():
    tables = {"a": TableDigest(2, "0"), "b": TableDigest(3, "0")}
    contents = Manifest(NOON.isoformat(), "sqlite", "1", {}, tables, {})
    return RestoreResult(contents, 1.5)


@pytest.mark.parametrize(("days", "overdue"), [(35, False), (36, True)])
def test_after_35_days_a_test_is_overdue(days, overdue):
    assert last_restore_test.record("a.backup", done(), NOON)
    newest = last_restore_test.last(NOON)
    assert newest is not None
    assert (newest.rows, newest.seconds) == (5, 1.5)
    assert last_restore_test.record("b.backup", done(), NOON + timedelta(days=400))  # clock ahead
    assert last_restore_test.overdue(NOON + timedelta(days=days)) is overdue


@pytest.mark.parametrize(("days", "overdue"), [(1, False), (36, True)])
def test_without_one_the_age_of_the_installation_counts(days, overdue):
    MigrationRecorder.Migration.objects.update(applied=NOON)
    assert last_restore_test.overdue(NOON + timedelta(days=days)) is overdue


def test_before_the_first_migration_nothing_is_overdue():
    MigrationRecorder.Migration.objects.all().delete()
    assert last_restore_test.recent()


def test_without_the_table_nothing_is_recorded():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE aethercrown_restoretest RENAME TO away")
        assert not last_restore_test.record("a.backup", done(), NOON)
        cursor.execute("ALTER TABLE away RENAME TO aethercrown_restoretest")
    assert not RestoreTest.objects.exists()
