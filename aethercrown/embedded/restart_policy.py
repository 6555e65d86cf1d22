"""When to restart a child process, and when to give up. Pure; times are in seconds."""

from collections import deque
from dataclasses import dataclass, field

MAX_EXITS = 5
WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class RestartPolicy:
    """The recent exits of one child, and the pause before the first restart."""

    times: deque[float] = field(default_factory=deque)
    first_pause: float = FIRST_PAUSE_SECONDS

    def note(self, now: float) -> None:
        """Record an exit, and drop those older than the window."""
        self.times.append(now)
        while self.times[0] <= now - WINDOW_SECONDS:
            self.times.popleft()

    def gave_up(self) -> bool:
        """Whether it ended five times within a minute."""
        return len(self.times) >= MAX_EXITS

    def pause(self) -> float:
        """The wait before the next start, doubled with each recent exit."""
        doubled = self.first_pause * 2.0 ** (len(self.times) - 1)
        return min(doubled, LONGEST_PAUSE_SECONDS) if self.times else 0.0
