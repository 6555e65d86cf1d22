"""Functions in threads: called at a fixed interval, and with no database connection left open."""

import atexit
import logging
import os
from collections.abc import Callable
from functools import wraps
from threading import Event, Lock, Thread
from typing import ParamSpec, TypeVar

from django.db import connection

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
log = logging.getLogger(__name__)
EXIT_TIMEOUT_SECONDS = 2.0  # how long the end of a process waits for the last call


def closing_connection(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function, which then closes the database connection of the thread that calls it."""

    @wraps(function)
    def closing(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
        try:
            return function(*args, **named)
        finally:
            connection.close()

    return closing


class PeriodicThread:
    """Calls `function` each `interval` seconds; a failure is logged and changes nothing.

    No database connection stays open between two calls.

    `start` starts it at once. In a web server, call `start_on_request` when the application is
    loaded and `ensure_started` at each request: a server forks after loading, and threads do
    not survive a fork. With `at_once` the function is called when the thread starts, not only
    after the first interval. With `final_call` it is called once more when the thread stops, and
    the end of the process waits up to EXIT_TIMEOUT_SECONDS for that.
    """

    def __init__(
        self,
        function: Callable[[], object],
        interval: float,
        name: str,
        *,
        final_call: bool = False,
        at_once: bool = False,
    ) -> None:
        self.function = closing_connection(function)
        self.interval = interval
        self.name = name
        self.final_call = final_call
        self.at_once = at_once
        self.stopping = Event()
        self.thread: Thread | None = None
        self._lock = Lock()
        self._starts_on_request = False
        self._process_id = 0

    def start_on_request(self) -> None:
        """From now on `ensure_started` starts the thread: this process serves requests."""
        self._starts_on_request = True

    def ensure_started(self, **_: object) -> None:
        """Start the thread unless this process has it already; cheap when it has."""
        if not self._starts_on_request or self._process_id == os.getpid():
            return
        with self._lock:
            if self._process_id != os.getpid():
                self.start()

    def is_running(self) -> bool:
        """Whether this process has started the thread, and not asked it to end."""
        return self._process_id == os.getpid() and not self.stopping.is_set()

    def start(self) -> None:
        """Start the thread in this process."""
        self._process_id = os.getpid()
        self.thread = Thread(target=self._run, name=self.name, daemon=True)
        self.thread.start()
        if self.final_call:
            atexit.register(self.stop)

    def stop(self) -> None:
        """Ask the thread to end, and wait for it up to EXIT_TIMEOUT_SECONDS."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join(EXIT_TIMEOUT_SECONDS)

    def _run(self) -> None:
        if self.at_once:
            self._call()
        while not self.stopping.wait(self.interval):
            self._call()
        if self.final_call:
            self._call()

    def _call(self) -> None:
        try:
            self.function()
        except Exception:
            log.warning("The %s failed; it tries again", self.name, exc_info=True)
