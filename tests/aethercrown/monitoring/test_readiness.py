"""/readyz answers from what threads found out, and sees a disk that takes no writes."""

import threading

import pytest
from django.db import DatabaseError, OperationalError, connection

from aethercrown.models import CacheEntry
from aethercrown.monitoring import readiness
from aethercrown.monitoring.readiness import MAX_AGE_SECONDS, ReadinessMonitor, WriteProbe


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.django_db(transaction=True)
def test_the_probe_asks_nothing_while_a_thread_looks(clock, django_assert_num_queries, settings):
    monitor = ReadinessMonitor(clock, lambda: True)
    assert all(monitor.current().checks.values())
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with django_assert_num_queries(0):
        assert all(monitor.current().checks.values())
    assert not monitor.look().checks["broker"]
    assert not monitor.current().checks["broker"]


@pytest.mark.django_db(transaction=True)
def test_a_look_older_than_15_seconds_has_failed(clock):
    monitor = ReadinessMonitor(clock, lambda: True)
    monitor.look()
    clock.now += MAX_AGE_SECONDS
    assert "probe" not in monitor.current().checks
    clock.now += 0.1
    assert monitor.current().checks["probe"] is False


def test_a_check_that_hangs_or_fails_does_not_hold_up_the_others():
    over = threading.Event()
    checks = {
        "hanging": lambda: over.wait(10),
        "failing": lambda: bool(1 / 0),
        "fine": lambda: True,
    }
    assert readiness.run_checks(checks, 0.2) == {"hanging": False, "failing": False, "fine": True}
    over.set()


@pytest.mark.django_db(transaction=True)
def test_a_write_is_a_committed_row_and_a_file_that_is_gone_again(settings, clock):
    probe = WriteProbe(clock)
    assert (probe.has_result(), probe.is_fine()) == (False, False)
    assert probe.check(has_thread=False)
    first = CacheEntry.objects.get(name__startswith="write probe").value
    probe.write()
    assert CacheEntry.objects.get(name__startswith="write probe").value != first
    assert not list(settings.DATA_DIR.glob(".probe-*"))
    clock.now += MAX_AGE_SECONDS + 0.1
    assert not probe.is_fine()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_no_writes_is_not_ready(client, clock):
    stop, go = (
        ("PRAGMA query_only = 1", "PRAGMA query_only = 0")
        if connection.vendor == "sqlite"
        else ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
    )
    probe = WriteProbe(clock)
    with connection.cursor() as cursor:
        cursor.execute(stop)
    try:
        with pytest.raises(DatabaseError):
            probe.write()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(go)
    assert (probe.has_result(), probe.is_fine()) == (True, False)
    probe.write()
    assert probe.is_fine()


@pytest.mark.django_db(transaction=True)
def test_a_data_folder_that_takes_no_files_is_not_ready(client, settings, tmp_path):
    (tmp_path / "full").write_text("a file, so that nothing can be written below it")
    settings.DATA_DIR = tmp_path / "full"
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()["checks"]["storage"]) == (503, "failed")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_locked_for_a_moment_is_ready(clock, monkeypatch):
    class Locked(Exception):
        sqlite_errorname = "SQLITE_BUSY"

    probe = WriteProbe(clock)
    probe.write()

    def locked():
        raise OperationalError("database is locked") from Locked()

    monkeypatch.setattr(readiness, "write_row", locked)
    with pytest.raises(OperationalError):
        probe.write()
    assert probe.is_fine()
    clock.now += MAX_AGE_SECONDS + 0.1
    assert not probe.is_fine()


@pytest.mark.django_db(transaction=True)
def test_storage_is_what_the_thread_wrote_last(clock):
    probe = WriteProbe(clock)
    assert probe.check(has_thread=True)
    clock.now += MAX_AGE_SECONDS + 0.1
    assert not probe.check(has_thread=True)
    assert probe.check(has_thread=False)
