"""When each key was last seen: collected in memory, so that a request costs no write."""

from datetime import datetime
from threading import Lock


class Collector:
    """The latest time for each key since the last `drain`; safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: dict[int, datetime] = {}

    def note(self, key_id: int, at: datetime) -> None:
        with self._lock:
            known = self._seen.get(key_id)
            if known is None or known < at:
                self._seen[key_id] = at

    def drain(self) -> dict[int, datetime]:
        """All that was noted; the collector starts empty again."""
        with self._lock:
            seen, self._seen = self._seen, {}
        return seen

    def give_back(self, seen: dict[int, datetime]) -> None:
        """Return what could not be stored; later sightings stay."""
        for key_id, at in seen.items():
            self.note(key_id, at)
