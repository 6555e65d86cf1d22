"""When each key was last used, collected in memory so that a request writes nothing. Pure."""

from datetime import datetime
from threading import Lock
from typing import NamedTuple


class Digest(NamedTuple):
    """A key's digest, and the id of the pepper that it was made with."""

    digest: str
    pepper_id: str


class UsageCollector:
    """Each key's latest use and newest digest since the last `take`; safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._used: dict[int, datetime] = {}
        self._digests: dict[int, Digest] = {}

    def note_use(self, key_id: int, at: datetime) -> None:
        with self._lock:
            known = self._used.get(key_id)
            if known is None or known < at:
                self._used[key_id] = at

    def note_digest(self, key_id: int, digest: Digest) -> None:
        with self._lock:
            self._digests[key_id] = digest

    def take(self) -> tuple[dict[int, datetime], dict[int, Digest]]:
        """All times and digests; the collector is empty afterwards."""
        with self._lock:
            used, self._used = self._used, {}
            digests, self._digests = self._digests, {}
        return used, digests

    def put_back(self, used: dict[int, datetime], digests: dict[int, Digest]) -> None:
        """Return what could not be stored; later uses stay."""
        for key_id, at in used.items():
            self.note_use(key_id, at)
        for key_id, digest in digests.items():
            self.note_digest(key_id, digest)
