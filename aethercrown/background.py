"""A thread that calls something in a fixed rhythm, whatever else is down."""

import logging
import os
from collections.abc import Callable
from threading import Event, Lock, Thread

log = logging.getLogger(__name__)


class Watch:
    """Calls `look` each `every` seconds: from `begin`, or from the first `wake` after `serve`.

    Web servers fork after they have loaded the application, and threads do not survive a fork:
    there `wake` is called by each request, and costs next to nothing.
    """

    def __init__(
        self, look: Callable[[], object], every: float, name: str = "health watch"
    ) -> None:
        self.look = look
        self.name = name
        self.every = every
        self.over = Event()
        self.thread: Thread | None = None
        self._lock = Lock()
        self._serving = False
        self._process = 0

    def serve(self) -> None:
        """From now on a request starts the thread: this process is a web server's."""
        self._serving = True

    def wake(self, **_: object) -> None:
        with self._lock:
            if not self._serving or self._process == os.getpid():
                return
            self.begin()

    def begin(self) -> None:
        """Start the thread, in this process."""
        self._process = os.getpid()
        self.thread = Thread(target=self.keep, name=self.name, daemon=True)
        self.thread.start()

    def keep(self) -> None:
        """Look at every turn until told to stop; a failure is logged and changes nothing."""
        while not self.over.wait(self.every):
            try:
                self.look()
            except Exception:
                log.warning("The %s failed; it tries again", self.name, exc_info=True)
