"""When each key was last seen: collected in memory, so that a request costs no write."""

from datetime import datetime
from threading import Lock
from typing import NamedTuple


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
