"""Asks a worker to evaluate thresholds soon; without one, the next look of a process does it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
INTERVAL_SECONDS = 0.5  # at most one message in it from each process


@dataclass(slots=True)
class WorkerWaker:
    """Calls back at most once in the interval.

    `tasks` adds its callback, so that services import no tasks.
    """

    callbacks: list[Callable[[], object]] = field(default_factory=list)
    last: float | None = None  # when it last asked, on the monotonic clock

    def wake(self, now: float) -> None:
        """Ask a worker; a broker that is down costs a few seconds, and no evaluation."""
        if self.last is not None and now - self.last < INTERVAL_SECONDS:
            return
        self.last = now
        try:
            for callback in self.callbacks:
                callback()
        except Exception:
            log.warning("No worker could be woken; the next look evaluates", exc_info=True)


waker = WorkerWaker()


def wake_worker() -> None:
    waker.wake(time.monotonic())
