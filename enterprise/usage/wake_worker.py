"""Asks a worker to evaluate thresholds soon; without one, the next look of a process does it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)
callbacks: list[Callable[[], object]] = []  # `tasks` adds its own, so services import no tasks
INTERVAL_SECONDS = 0.5  # at most one message in it from each process


@dataclass(slots=True)
class WakeClock:
    """When this process last asked, on the monotonic clock."""

    last: float = 0.0


clock = WakeClock()


def wake_worker() -> None:
    """Ask a worker; a broker that is down costs a few seconds, and no evaluation."""
    if clock.last and time.monotonic() - clock.last < INTERVAL_SECONDS:
        return
    clock.last = time.monotonic()
    try:
        for callback in callbacks:
            callback()
    except Exception:
        log.warning("No worker could be woken; the next look evaluates", exc_info=True)
