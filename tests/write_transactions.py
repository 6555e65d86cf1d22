"""How long each write transaction of the suite holds SQLite's lock; the longest are listed.

Most tests run within a transaction of their own: there each outermost block of the code is timed,
which is a savepoint. In tests on real commits the lock itself is timed.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from heapq import nlargest
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.signals import connection_created

from aethercrown.db.sqlite import base

LISTED = 8
MAX_SECONDS = 0.1  # that a writer may hold the lock
SAVEPOINT = re.compile(r"(SAVEPOINT|RELEASE SAVEPOINT) (\S+)")
FILES = "write_transactions.*.json"
Row = tuple[float, str, str]  # seconds, test, first write


class Blocks:
    """Times the outermost blocks of one connection, by its statements."""

    def __init__(self, record: Callable[[float, str], None]) -> None:
        self.record = record
        self.open: list[str] = []  # the first is the test's own
        self.began = 0.0
        self.first_write = ""

    def __call__(self, execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if found := SAVEPOINT.match(sql):
            self.enter(found[2]) if found[1] == "SAVEPOINT" else self.leave(found[2])
        elif base.WRITES.match(sql) and not self.first_write:
            self.first_write = " ".join(sql.split())[:60]
        return execute(sql, *more)

    def enter(self, name: str) -> None:
        self.open.append(name)
        if len(self.open) == 2:
            self.began, self.first_write = time.monotonic(), ""

    def leave(self, name: str) -> None:
        if name not in self.open:
            return
        del self.open[self.open.index(name) + 1 :]
        self.open.pop()
        if len(self.open) == 1 and self.first_write:
            self.record(time.monotonic() - self.began, self.first_write)


class Recorder:
    """The plugin: notes what each test's transactions took, and lists the longest at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[Row] = []
        self.test = ""
        self.is_committing = False
        connection_created.connect(self.watch)
        base.observers.append(self.lock_held)

    def watch(self, connection: Any, **_: object) -> None:
        wrappers = connection.execute_wrappers
        if connection.vendor == "sqlite" and not any(isinstance(w, Blocks) for w in wrappers):
            wrappers.append(Blocks(self.record))

    def lock_held(self, seconds: float) -> None:
        if self.is_committing:
            self.record(seconds, "a transaction on real commits")

    def record(self, seconds: float, what: str) -> None:
        if self.test:
            self.rows.append((seconds, self.test, what))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        names = getattr(item, "fixturenames", ())
        marks = [mark.kwargs.get("transaction") for mark in item.iter_markers("django_db")]
        self.is_committing = "transactional_db" in names or "live_server" in names or any(marks)
        self.test = item.nodeid
        try:
            return (yield)
        finally:
            self.test = ""

    def pytest_sessionfinish(self) -> None:
        path = self.folder / f"write_transactions.{os.getpid()}.json"
        path.write_text(json.dumps(nlargest(LISTED, self.rows)))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        rows = longest(self.folder)
        if not rows:
            return
        terminalreporter.section("longest write transactions on SQLite")
        for seconds, test, what in rows:
            mark = " over the limit" if seconds > MAX_SECONDS else ""
            terminalreporter.line(f"{seconds:.3f} s{mark}  {test}  {what}")


def longest(folder: Path) -> list[Row]:
    """The longest of all processes."""
    found = [row for path in folder.glob(FILES) for row in json.loads(path.read_text())]
    return [(seconds, test, what) for seconds, test, what in nlargest(LISTED, found)]
