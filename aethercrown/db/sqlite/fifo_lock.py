"""Threads that want the one pen of a database take it in the order in which they came."""

from collections import deque
from threading import Lock


class FifoLock:
    """A lock that is handed on to whoever waits longest; a plain one goes to whoever is quick."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held = False
        self._waiting: deque[Lock] = deque()

    def enter(self, seconds: float) -> bool:
        """Wait at most so long for the turn; False where it did not come."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        return mine.acquire(timeout=seconds) or self._late(mine)

    def leave(self) -> None:
        """Give the turn to the next in line."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def _late(self, mine: Lock) -> bool:
        """Step out of the line; True where the turn came at this very moment."""
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
            return True
