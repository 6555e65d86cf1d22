"""What /readyz reports: threads look at the database, the broker and the disk.

The probe only reads what they saw, so it is answered at once whatever the platform does. Until the
first look has ended, and where no threads run (tests, single commands), the checks run when they
are asked for.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.db import OperationalError, connection

from aethercrown.background import PeriodicThread, closing_connection
from aethercrown.backup import automation_pause, last_restore_test
from aethercrown.db import schema
from aethercrown.models import CacheEntry

CHECK_TIMEOUT_SECONDS = 2.0  # that one check may take
LOOK_SECONDS = 2.0  # between two looks
WRITE_SECONDS = 5.0  # between two write probes
MAX_AGE_SECONDS = 15.0  # an older look, or write, counts as failed
PROBE_BYTES = 4_096
ROW_SECONDS = 3_600  # after which the row of a process that ended is purged


@dataclass(frozen=True, slots=True)
class Look:
    """The results of all checks, and the warnings, at one moment of the monotonic clock."""

    at: float
    checks: dict[str, bool]
    warnings: dict[str, str]


class WriteProbe:
    """Writes to the database and to DATA_DIR, which a full or read-only disk refuses.

    A write that waits for another writer is no failure; it is one after MAX_AGE_SECONDS.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written_at = float("-inf")
        self._failed = False

    def write(self) -> None:
        """Write once, and remember whether it could be done. Raises what the write raised."""
        try:
            write_row()
            write_file(settings.DATA_DIR)
        except Exception as error:
            self._failed = not is_busy(error)
            raise
        self._written_at, self._failed = self._clock(), False

    def has_result(self) -> bool:
        return self._failed or self._written_at > float("-inf")

    def is_fine(self) -> bool:
        return not self._failed and self._clock() - self._written_at <= MAX_AGE_SECONDS

    def check(self, *, has_thread: bool) -> bool:
        """Whether a write succeeded at most MAX_AGE_SECONDS ago, and none failed since.

        Without a thread that writes, or before its first result, it writes now.
        """
        if not (has_thread and self.has_result()):
            self.write()
        return self.is_fine()


def write_row() -> None:
    """Commit a row with new contents."""
    fields = {"value": os.urandom(PROBE_BYTES // 2).hex(), "expires_at": time.time() + ROW_SECONDS}
    CacheEntry.objects.update_or_create(name=f"write probe {os.getpid()}", defaults=fields)


def write_file(folder: Path) -> None:
    """Write a file in the folder to the disk, and delete it."""
    path = folder / f".probe-{os.getpid()}"
    try:
        with path.open("wb") as file:
            file.write(os.urandom(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def is_busy(error: Exception) -> bool:
    """Whether the database was locked by another writer, and is otherwise well."""
    name = getattr(error.__cause__, "sqlite_errorname", "")
    return isinstance(error, OperationalError) and name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def a_thread_looks() -> bool:
    return looking.is_running()


class ReadinessMonitor:
    """The last look at all checks."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        has_thread: Callable[[], bool] = a_thread_looks,
    ) -> None:
        self._clock = clock
        self._has_thread = has_thread
        self._last: Look | None = None

    def look(self) -> Look:
        """Run the checks, and keep the results."""
        checks = run_checks({**CHECKS, "storage": storage})
        found = Look(self._clock(), checks, warnings() if all(checks.values()) else {})
        self._last = found
        return found

    def current(self) -> Look:
        """The last look, if a thread looks; otherwise a new one. A stale one has failed."""
        if self._last is None or not self._has_thread():
            return self.look()
        if self._clock() - self._last.at > MAX_AGE_SECONDS:
            return Look(self._last.at, {**self._last.checks, "probe": False}, {})
        return self._last


def warnings() -> dict[str, str]:
    """The warnings of checks that do not make the process unready."""
    fine = run_checks({name: check for name, (check, _words) in WARNING_CHECKS.items()})
    return {name: words for name, (_check, words) in WARNING_CHECKS.items() if not fine[name]}


def run_checks(
    checks: Mapping[str, Callable[[], bool]], seconds: float = CHECK_TIMEOUT_SECONDS
) -> dict[str, bool]:
    """Run the checks in parallel; one that raises or takes over `seconds` has failed."""
    results = dict.fromkeys(checks, False)

    def run(name: str, check: Callable[[], bool]) -> None:
        try:
            results[name] = closing_connection(check)()
        except Exception:  # noqa: BLE001 - any failure at all means not ready
            results[name] = False

    threads = [
        threading.Thread(target=run, args=each, name="readiness", daemon=True)
        for each in checks.items()
    ]
    ends = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    return dict(results)


def database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() is not None


def broker() -> bool:
    if not settings.REDIS_URL:
        return True  # tasks stay in this process's memory
    limits = {
        "socket_connect_timeout": CHECK_TIMEOUT_SECONDS / 2,
        "socket_timeout": CHECK_TIMEOUT_SECONDS / 2,
    }
    with redis.Redis.from_url(settings.REDIS_URL, **limits) as line:
        return bool(line.ping())


def storage() -> bool:
    return write_probe.check(has_thread=writing.is_running())


CHECKS: dict[str, Callable[[], bool]] = {
    "database": database,
    "broker": broker,
    "schema": lambda: not schema.missing_migrations(),
}
WARNING_CHECKS = {
    "trial_restore": (
        last_restore_test.recent,
        "The restore test of the back-ups is overdue: manage.py restore --check.",
    ),
    "restore": (
        lambda: not automation_pause.is_because(automation_pause.INTERRUPTED),
        "A restore did not come to its end: what was ended since the back-up may be open again.",
    ),
}
write_probe = WriteProbe()
monitor = ReadinessMonitor()
writing = PeriodicThread(write_probe.write, WRITE_SECONDS, "write probe", at_once=True)
looking = PeriodicThread(monitor.look, LOOK_SECONDS, "readiness checks", at_once=True)
