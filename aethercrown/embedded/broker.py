"""Keeping the embedded Valkey alive: a ping each second, a restart after three misses."""

from collections.abc import Callable
from dataclasses import dataclass

from aethercrown.embedded.servers import ServerProcess

PING_EVERY_SECONDS = 1.0
MISSES = 3
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class EmbeddedBroker:
    """A server that is looked after by `tend`, called again and again with the time."""

    launch: Callable[[], ServerProcess]
    answers: Callable[[], bool]
    server: ServerProcess
    misses: int = 0
    next_ping: float = 0.0
    pause: float = 1.0

    def tend(self, now: float) -> str | None:
        """Ping when it is due; what was done, in words, if anything was."""
        if now < self.next_ping:
            return None
        self.next_ping = now + PING_EVERY_SECONDS
        if self.server.is_running() and self.answers():
            self.misses, self.pause = 0, 1.0
            return None
        self.misses += 1
        if self.server.is_running() and self.misses < MISSES:
            return None
        return self.restart(now)

    def restart(self, now: float) -> str:
        """Start it again on the same port; the next look is after a pause that doubles."""
        self.server.stop(seconds=1.0)
        self.server = self.launch()
        self.misses = 0
        self.next_ping = now + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE_SECONDS)
        return "The broker did not answer and was started again."
