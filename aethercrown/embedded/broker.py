"""The embedded Valkey: a ping each second, a restart after three unanswered ones."""

from collections.abc import Callable
from dataclasses import dataclass

from aethercrown.embedded.servers import ServerProcess

PING_EVERY_SECONDS = 1.0
MAX_MISSES = 3
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class EmbeddedBroker:
    """A server process and its failed pings; call `check` at least each second."""

    launch: Callable[[], ServerProcess]
    answers: Callable[[], bool]
    server: ServerProcess
    misses: int = 0
    next_ping: float = 0.0
    pause: float = 1.0

    def check(self, now: float) -> str | None:
        """Ping when it is due, and restart where needed; what was done, in words, or None."""
        if now < self.next_ping:
            return None
        self.next_ping = now + PING_EVERY_SECONDS
        if self.server.is_running() and self.answers():
            self.misses, self.pause = 0, 1.0
            return None
        self.misses += 1
        if self.server.is_running() and self.misses < MAX_MISSES:
            return None
        return self.restart(now)

    def restart(self, now: float) -> str:
        """Start it again on the same port; the next ping waits for a pause that doubles."""
        self.server.stop(seconds=1.0)
        self.server = self.launch()
        self.misses = 0
        self.next_ping = now + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE_SECONDS)
        return "The broker did not answer and was started again."
