"""A thread of each web process that calls something in a fixed rhythm, whatever else is down."""

import logging
import os
from collections.abc import Callable
from threading import Event, Lock, Thread

log = logging.getLogger(__name__)


class Watch:
    """Calls `look` each `every` seconds, from the first `wake` after `serve` on.

    It starts that late because servers fork after they have loaded the application, and threads
    do not survive a fork; `wake` is called by each request, and costs next to nothing.
    """

    def __init__(self, look: Callable[[], object], every: float) -> None:
        self.look = look
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
            self._process = os.getpid()
            self.thread = Thread(target=self.keep, name="health watch", daemon=True)
            self.thread.start()

    def keep(self) -> None:
        """Look at every turn until told to stop; a failure is logged and changes nothing."""
        while not self.over.wait(self.every):
            try:
                self.look()
            except Exception:
                log.warning("The health watch failed; it tries again", exc_info=True)
