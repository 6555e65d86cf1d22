"""A back-up of the tests' own database, brought back on either kind of server."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from aethercrown.backup import (
    archive,
    automation_pause,
    create,
    manifest,
    postgres,
    restore,
    sqlite,
    stores,
)
from aethercrown.backup.manifest import TableDigest
from aethercrown.backup.restore import RestoreRefused
from aethercrown.backup.stream import NotEncrypted
from aethercrown.models import AutomationPause
from aethercrown.monitoring import readiness
from security.audit import anchor_files

KEY = "k" * 40
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db
of_no_database = pytest.mark.skipif(
    connection.vendor == "postgresql", reason="of no database, and takes ten seconds there"
)


@pytest.fixture
def anchors(settings, tmp_path):
    """Anchors of an audit, which go along."""
    settings.AUDIT_ANCHORS = tmp_path / "anchors"
    anchor_files.append(settings.AUDIT_ANCHORS, [])
    return settings.AUDIT_ANCHORS


@pytest.fixture
def made(anchors, tmp_path):
    return create.create(tmp_path, KEY, NOON)


def forged(path, **changes):
    """The same back-up with another manifest."""
    work = path.parent / "forged"
    contents = archive.unpack(path, KEY, work)
    files = {name: work / name for name in contents.members}
    archive.write(path, replace(contents, **changes), files, KEY)
    return path


def test_a_backup_comes_back_whole(made):
    done = restore.check(made, KEY)
    assert made.name == "aethercrown-20261122T120000Z.backup"
    assert done.contents.vendor == connection.vendor
    assert "security_event" in done.contents.tables
    assert "keks" in done.contents.needs["security"]
    assert done.seconds > 0


def test_a_check_leaves_nothing_behind(made):
    before = databases()
    tables = restore.check(made, KEY).contents.tables
    del tables["security_event"]
    forged(made, tables=tables)
    with pytest.raises(RestoreRefused, match="security_event is only in the restored database"):
        restore.check(made, KEY)
    assert databases() == before


def test_what_a_killed_restore_left_is_deleted_by_the_next(made):
    before = databases()
    store = stores.current_store()
    left = made.parent / ".aethercrown-restore-left"
    left.mkdir()
    (left / "lock").touch()
    archive.unpack(made, KEY, left)
    store.restore(left / store.member, "restored_left")
    assert databases() != before
    restore.check(made, KEY)
    assert databases() == before
    assert not left.exists()


def databases():
    """The databases, or the files beside the database."""
    store = stores.current_store()
    if isinstance(store, sqlite.SqliteStore):
        name = f"{store.path.name}.re*"
        return sorted(path.name for path in store.path.parent.glob(name))
    with server_of(store).connected(postgres.MAINTENANCE_DATABASE) as session:
        return [name for (name,) in session.execute("SELECT datname FROM pg_database ORDER BY 1")]


def server_of(store):
    assert isinstance(store, postgres.PostgresStore)
    return store


def test_what_differs_is_named(made):
    tables = archive.unpack(made, KEY).tables
    wrong = {**tables, "security_event": TableDigest(99, "0" * 64)}
    with pytest.raises(RestoreRefused, match="security_event has 0 rows instead of 99"):
        restore.check(forged(made, tables=wrong), KEY)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vendor": "oracle"}, "it is of oracle, and DATABASE_URL names"),
        ({"migrations": {"security": ["0999_later"]}}, "made it, with security 0999_later: update"),
        ({"migrations": {"aethercrown": ["0001_stored_reply"]}}, "an earlier version made it"),
        ({"needs": {"security": {"keks": ["lost"]}}}, "ENCRYPTION_KEYS lacks lost"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_touched(made, changes, words):
    before = databases()
    with pytest.raises(RestoreRefused, match=words):
        restore.check(forged(made, **changes), KEY)
    assert databases() == before


def test_a_database_with_rows_is_not_replaced_unasked(made):
    with pytest.raises(RestoreRefused, match="give --replace"):
        restore.restore(made, KEY, NOON)


@of_no_database
def test_the_commands_say_what_they_did(anchors, settings, tmp_path):
    settings.BACKUP_FOLDER, settings.BACKUP_KEY = tmp_path / "kept", KEY
    out, errors = StringIO(), StringIO()
    call_command("backup", stdout=out, stderr=errors)
    path = create.newest(settings.BACKUP_FOLDER, datetime.now(UTC))
    assert str(path) in out.getvalue()
    assert errors.getvalue() == ""
    call_command("restore", str(path), "--check", stdout=out)
    assert "each equal to its digest" in out.getvalue()
    with pytest.raises(CommandError, match="give --replace"):
        call_command("restore", str(path))
    settings.BACKUP_KEY = ""
    with pytest.raises(CommandError, match="BACKUP_KEY is needed"):
        call_command("restore", str(path), "--check")
    call_command("backup", "--to", str(tmp_path / "plain"), stdout=out, stderr=errors)
    assert "It is not encrypted" in errors.getvalue()
    call_command("resume_automation", stdout=out)
    assert "was not paused" in out.getvalue()


def test_old_backups_go_and_others_files_stay(tmp_path):
    for days in range(10):
        at = NOON - timedelta(days=days)
        (tmp_path / f"aethercrown-{at:%Y%m%dT%H%M%S}Z.backup").touch()
    (tmp_path / "aethercrown-oddZ.backup").touch()
    assert [path.name for path in create.apply_retention(tmp_path)] == [
        "aethercrown-20261113T120000Z.backup",
        "aethercrown-20261114T120000Z.backup",
    ]
    ahead = tmp_path / "aethercrown-20270122T120000Z.backup"
    ahead.touch()  # by a clock that was ahead
    newest = create.newest(tmp_path, NOON)
    assert newest is not None
    assert newest.name == "aethercrown-20261122T120000Z.backup"
    assert create.newest(tmp_path, NOON - timedelta(days=90)) == ahead  # there are no others
    assert len(list(tmp_path.iterdir())) == 10
    assert create.newest(tmp_path / "none", NOON) is None


@contextmanager
def empty_place(tmp_path):
    """Another, empty database of the same kind: its environment, and how to read its tables."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    given = {**os.environ, "DATA_DIR": str(folder), "BACKUP_KEY": KEY, "DATABASE_URL": ""}
    given["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
    store = stores.current_store()
    if isinstance(store, sqlite.SqliteStore):
        yield given, lambda: sqlite.tables(folder / "aethercrown.sqlite3")
        return
    server = server_of(store)
    name = f"{server.name}_empty"
    server.maintain("CREATE DATABASE {}", name)
    given["DATABASE_URL"] = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    try:
        yield given, lambda: server.tables(name)
    finally:
        for each in databases():
            if each.startswith(name):
                server.maintain("DROP DATABASE IF EXISTS {} WITH (FORCE)", each)


KILLED = """
import os, sys, django
django.setup()
from pathlib import Path
from django.utils import timezone
from aethercrown.backup import hooks, restore
hooks.finalize_restore = lambda *_: os._exit(9)  # as if killed just after the swap
restore.restore(Path(sys.argv[1]), sys.argv[2], timezone.now())
"""


def test_a_restore_that_is_killed_after_the_swap_leaves_automation_paused(made, tmp_path):
    with empty_place(tmp_path) as (given, tables):
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", KILLED, str(made), KEY],
            env=given,
            cwd=Path(__file__).resolve().parents[3],
            check=False,
        )
        assert done.returncode == 9
        found = tables()["aethercrown_automationpause"]
    assert found.rows == archive.unpack(made, KEY).tables["aethercrown_automationpause"].rows + 1


def test_an_interrupted_restore_is_the_reason_of_its_pause_until_one_ends():
    automation_pause.begin(automation_pause.INTERRUPTED, NOON)
    automation_pause.begin("Another.", NOON + timedelta(hours=1))
    is_fine, _words = readiness.WARNING_CHECKS["restore"]
    assert not is_fine()
    automation_pause.explain(automation_pause.INTERRUPTED, restore.PAUSE_REASON)
    assert is_fine()
    reasons = AutomationPause.objects.values_list("because", flat=True).order_by("pk")
    assert list(reasons) == [restore.PAUSE_REASON, "Another."]
    assert automation_pause.since() == NOON + timedelta(hours=1)
    automation_pause.end("ada", NOON)
    assert automation_pause.since() is None


@of_no_database
def test_with_a_key_an_unencrypted_file_is_refused_unless_asked(anchors, settings, tmp_path):
    settings.BACKUP_KEY = KEY
    plain = create.create(tmp_path, "", NOON)
    with pytest.raises(NotEncrypted, match="anybody could have written it"):
        restore.check(plain, KEY)
    with pytest.raises(CommandError, match="--unencrypted"):
        call_command("restore", str(plain), "--check")
    with pytest.raises(CommandError, match="--unencrypted"):
        call_command("restore", str(plain), "--replace")
    out = StringIO()
    call_command("restore", str(plain), "--check", "--unencrypted", stdout=out)
    assert "each equal to its digest" in out.getvalue()
    assert restore.check(plain, "").seconds > 0


def test_an_empty_database_gets_everything_and_automation_is_paused(made, tmp_path):
    with empty_place(tmp_path) as (given, tables):
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "manage.py", "restore", str(made)],
            env=given,
            cwd=Path(__file__).resolve().parents[3],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Automation is paused" in done.stdout
        found = tables()
    wanted = archive.unpack(made, KEY).tables
    settled = {
        "security_event",
        "security_auditstream",
        "security_anchor",
        "aethercrown_automationpause",
    }
    different = {each.split()[0] for each in manifest.differences(wanted, found)}
    assert different <= settled | {"auth_permission", "django_content_type"}
    assert (
        found["aethercrown_automationpause"].rows == wanted["aethercrown_automationpause"].rows + 1
    )
