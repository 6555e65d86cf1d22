"""A lock that threads get in the order in which they asked."""

from collections import deque
from threading import Lock


class FifoLock:
    """A lock with a first-in, first-out queue, unlike `threading.Lock`."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held = False
        self._waiting: deque[Lock] = deque()

    def enter(self, seconds: float) -> bool:
        """Acquire the lock within `seconds`; False after that."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        return mine.acquire(timeout=seconds) or self._late(mine)

    def leave(self) -> None:
        """Pass the lock to the thread that has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def __len__(self) -> int:
        """How many threads wait."""
        return len(self._waiting)

    def _late(self, mine: Lock) -> bool:
        """Leave the queue; True if the lock was passed to this thread just then."""
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
            return True
