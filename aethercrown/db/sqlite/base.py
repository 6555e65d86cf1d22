"""Django's backend for SQLite, where whoever writes stands in line first.

A turn begins with the transaction (BEGIN IMMEDIATE), or with a statement that writes outside of
one, and ends with it. It is SQLite that keeps two writers apart; the line says who asks it next.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from aethercrown.db.sqlite.fifo_lock import FifoLock

WRITES = re.compile(r"\s*(BEGIN IMMEDIATE|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
SECONDS = 5.0  # what SQLite's driver waits where settings say nothing
_lines: defaultdict[str, FifoLock] = defaultdict(FifoLock)  # by database; two of one name would do no harm
os.register_at_fork(after_in_child=_lines.clear)  # its threads are not the child's


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that asks SQLite for its lock only when its turn has come."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn: FifoLock | None = None
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
        """The line, at whose head this connection now stands."""
        line = _lines[str(self.settings_dict["NAME"])]
        seconds = self.settings_dict["OPTIONS"].get("timeout", SECONDS)
        if not line.enter(seconds):
            raise OperationalError(
                f"database is locked: no turn to write came in {seconds} s; {len(line)} wait."
            )
        return line

    def _end_turn(self) -> None:
        """Let the next one write, unless this connection's transaction goes on."""
        turn, going_on = self._turn, self.connection is not None and self.connection.in_transaction
        if turn is not None and not going_on:
            self._turn = None
            turn.leave()

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
