"""When each key was last seen: collected in memory, so that a request costs no write."""

import atexit
import os
from collections.abc import Callable
from datetime import datetime
from threading import Event, Lock, Thread
from typing import NamedTuple

PATIENCE = 2.0  # seconds that the end of a process waits for a last flush


class Digest(NamedTuple):
    """A key's digest, and the mark of the pepper that it was made with."""

    digest: str
    mark: str


class Collector:
    """The latest time for each key since the last `drain`; safe between threads.

    Also the digest under the pepper in use of each key that was found under an older one.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: dict[int, datetime] = {}
        self._renewed: dict[int, Digest] = {}

    def note(self, key_id: int, at: datetime) -> None:
        with self._lock:
            known = self._seen.get(key_id)
            if known is None or known < at:
                self._seen[key_id] = at

    def renew(self, key_id: int, digest: Digest) -> None:
        with self._lock:
            self._renewed[key_id] = digest

    def drain(self) -> tuple[dict[int, datetime], dict[int, Digest]]:
        """All times and digests that were noted; the collector starts empty again."""
        with self._lock:
            seen, self._seen = self._seen, {}
            renewed, self._renewed = self._renewed, {}
        return seen, renewed

    def give_back(self, seen: dict[int, datetime], renewed: dict[int, Digest]) -> None:
        """Return what could not be stored; later sightings stay."""
        for key_id, at in seen.items():
            self.note(key_id, at)
        for key_id, digest in renewed.items():
            self.renew(key_id, digest)


class Keeper:
    """Calls `store` each `every` seconds, from a thread of each process that serves requests.

    The thread starts at the first `wake` after `serve`, because a server forks after it has
    loaded the application, and threads do not survive a fork.
    """

    def __init__(self, store: Callable[[], object], every: float) -> None:
        self.store = store
        self.every = every
        self.stop = Event()
        self.thread: Thread | None = None
        self._lock = Lock()
        self._serving = False
        self._process = 0

    def serve(self) -> None:
        self._serving = True

    def wake(self) -> None:
        with self._lock:
            if not self._serving or self._process == os.getpid():
                return
            self._process = os.getpid()
            self.thread = Thread(target=self.keep, name="key usage", daemon=True)
            self.thread.start()
            atexit.register(self.finish)

    def keep(self) -> None:
        """Store at every turn, and once more when asked to stop."""
        last = False
        while not last:
            last = self.stop.wait(self.every)
            self.store()

    def finish(self) -> None:
        """Store a last time; a database that does not answer is not waited for."""
        self.stop.set()
        if self.thread is not None:
            self.thread.join(PATIENCE)
