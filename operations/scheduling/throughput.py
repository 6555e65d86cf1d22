"""How busy the workers were and how much they finished in the last hour."""

from collections import deque
from collections.abc import Iterable

WINDOW_SECONDS = 3600.0
MIN_OBSERVED_SECONDS = 60.0  # before a busy share is given

Span = tuple[float, float]  # start and end of one run, seconds


def busy_share(spans: Iterable[Span], workers: int, since: float, now: float) -> float | None:
    """Busy time over available time of the last hour, 0..1, observed from `since`.

    None without workers, or within the first minute.
    """
    begin = max(since, now - WINDOW_SECONDS)
    if not workers or now - begin < MIN_OBSERVED_SECONDS:
        return None
    busy = sum(max(0.0, min(end, now) - max(start, begin)) for start, end in spans)
    return min(1.0, busy / (workers * (now - begin)))


class RunHistory:
    """The runs that ended in the last hour, and the mean of all that completed."""

    def __init__(self) -> None:
        self.recent: deque[tuple[Span, bool]] = deque()  # the earliest end first
        self.completed = 0
        self.seconds = 0.0  # of all completed runs

    def add(self, span: Span, *, completed: bool) -> None:
        self.recent.append((span, completed))
        if completed:
            self.completed += 1
            self.seconds += span[1] - span[0]

    def spans(self, now: float) -> list[Span]:
        """The runs that ended within the last hour."""
        self._drop_old(now)
        return [span for span, _ in self.recent]

    def completed_last_hour(self, now: float) -> int:
        self._drop_old(now)
        return sum(completed for _, completed in self.recent)

    def _drop_old(self, now: float) -> None:
        while self.recent and self.recent[0][0][1] <= now - WINDOW_SECONDS:
            self.recent.popleft()

    def mean_seconds(self) -> float:
        """The mean duration of completed runs; 0 before the first."""
        return self.seconds / self.completed if self.completed else 0.0
