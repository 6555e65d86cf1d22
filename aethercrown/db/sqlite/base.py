"""Django's backend for SQLite with a FIFO lock for writers.

The lock is held from the start of a write transaction (BEGIN IMMEDIATE), or of a writing statement
outside of one, to its end. SQLite itself excludes other writers; the lock only orders them.
"""

import os
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

WRITES = re.compile(  # but of temporary tables, which are the connection's own
    r"\s{0,100}(BEGIN IMMEDIATE|INSERT(?! INTO temp\.)|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE
)
SECONDS = 5.0  # the driver's default timeout
PRIVATE, OTHERS = 0o600, 0o077  # of a file's mode


class FifoLock:
    """A lock with a first-in, first-out queue, unlike `threading.Lock`."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held = False
        self._waiting: deque[Lock] = deque()

    def enter(self, seconds: float) -> bool:
        """Acquire the lock within `seconds`; False after that."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        return mine.acquire(timeout=seconds) or self._late(mine)

    def leave(self) -> None:
        """Pass the lock to the thread that has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def __len__(self) -> int:
        """How many threads wait."""
        return len(self._waiting)

    def _late(self, mine: Lock) -> bool:
        """Leave the queue; True if the lock was passed to this thread just then."""
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
            return True


_lines: defaultdict[str, FifoLock] = defaultdict(FifoLock)  # by database file
os.register_at_fork(after_in_child=_lines.clear)  # threads do not survive a fork


observers: list[Callable[[float], None]] = []  # get how many seconds a writer held the lock


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that waits for the FIFO lock before it asks SQLite for its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn: FifoLock | None = None
        self._turn_began = 0.0
        self._file: tuple[int, int] | None = None
        self.execute_wrappers.append(self._in_turn)

    def _in_turn(self, execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if self._turn is not None or not WRITES.match(sql):
            return execute(sql, *more)
        self._turn = self._waited()
        try:
            return execute(sql, *more)
        finally:
            self._end_turn()

    def _waited(self) -> FifoLock:
        """Acquire the lock; OperationalError after the timeout."""
        line = _lines[str(self.settings_dict["NAME"])]
        seconds = self.settings_dict["OPTIONS"].get("timeout", SECONDS)
        if not line.enter(seconds):
            raise OperationalError(
                f"database is locked: not acquired within {seconds} s; {len(line)} threads wait."
            )
        self._turn_began = time.monotonic()
        return line

    def _end_turn(self) -> None:
        """Release the lock, unless this connection's transaction is still open."""
        turn, going_on = self._turn, self.connection is not None and self.connection.in_transaction
        if turn is not None and not going_on:
            self._turn = None
            turn.leave()
            for observe in observers:
                observe(time.monotonic() - self._turn_began)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        opened = super().get_new_connection(conn_params)
        make_private(self.settings_dict["NAME"])
        self._file = file_id(self.settings_dict["NAME"])
        return opened

    def is_usable(self) -> bool:
        """Whether the file is still the opened one: what goes to a replaced file is lost."""
        return self._file == file_id(self.settings_dict["NAME"])

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self._end_turn()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._end_turn()

    def close(self) -> None:
        try:
            super().close()
        finally:
            turn, self._turn = self._turn, None
            if turn is not None:
                turn.leave()


def make_private(name: str | Path) -> None:
    """Let nobody but the owner read the file; SQLite gives its log the same mode."""
    for suffix in ("", "-wal", "-shm"):
        path = f"{name}{suffix}"
        with suppress(OSError):  # in memory, not there, or another's
            if os.stat(path).st_mode & OTHERS:  # noqa: PTH116 - as below
                os.chmod(path, PRIVATE)  # noqa: PTH101 - as below


def file_id(name: str | Path) -> tuple[int, int] | None:
    """Device and inode of the file; None without one, as of a database in memory."""
    try:
        found = os.stat(name)  # noqa: PTH116 - a name of a database in memory is no path
    except OSError:
        return None
    return found.st_dev, found.st_ino
