"""When to start a child again that ended, and when to give up. Pure; times are seconds."""

from collections import deque
from dataclasses import dataclass, field

MOST_DEATHS = 5
WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class RestartPolicy:
    """The recent ends of one child, and the pause after the first."""

    times: deque[float] = field(default_factory=deque)
    first_pause: float = FIRST_PAUSE_SECONDS

    def note(self, now: float) -> None:
        """Remember an end, and forget those older than the window."""
        self.times.append(now)
        while self.times[0] <= now - WINDOW_SECONDS:
            self.times.popleft()

    def are_too_many(self) -> bool:
        """Five within a minute: starting again does not help."""
        return len(self.times) >= MOST_DEATHS

    def pause(self) -> float:
        """How long to wait before the next start: doubled with each recent end."""
        doubled = self.first_pause * 2.0 ** (len(self.times) - 1)
        return min(doubled, LONGEST_PAUSE_SECONDS) if self.times else 0.0
