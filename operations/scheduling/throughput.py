"""How busy the workers were and how much they finished in the last hour."""

from collections import deque
from collections.abc import Iterable

WINDOW = 3600.0  # seconds looked back on
FEWEST = 60.0  # seconds watched before a share is told

Span = tuple[float, float]  # start and end of one run, seconds


def busy_share(spans: Iterable[Span], workers: int, since: float, now: float) -> float | None:
    """Busy time over available time of the last hour, 0..1; `since` is when watching began.

    None without workers, or before a minute was watched.
    """
    begin = max(since, now - WINDOW)
    if not workers or now - begin < FEWEST:
        return None
    busy = sum(max(0.0, min(end, now) - max(start, begin)) for start, end in spans)
    return min(1.0, busy / (workers * (now - begin)))


class History:
    """The runs that ended, for as long as they count."""

    def __init__(self) -> None:
        self.recent: deque[tuple[Span, bool]] = deque()  # the earliest end first
        self.completed = 0
        self.seconds = 0.0  # that completed runs took, all together

    def add(self, span: Span, *, completed: bool) -> None:
        self.recent.append((span, completed))
        if completed:
            self.completed += 1
            self.seconds += span[1] - span[0]

    def spans(self, now: float) -> list[Span]:
        """The runs that ended within the last hour."""
        self.forget(now)
        return [span for span, _ in self.recent]

    def completed_lately(self, now: float) -> int:
        """How many runs completed within the last hour."""
        self.forget(now)
        return sum(completed for _, completed in self.recent)

    def forget(self, now: float) -> None:
        while self.recent and self.recent[0][0][1] <= now - WINDOW:
            self.recent.popleft()

    def mean_seconds(self) -> float:
        """How long a completed run took on average; 0 before the first."""
        return self.seconds / self.completed if self.completed else 0.0
