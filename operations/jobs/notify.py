"""Tells a worker that a job waits; without one the next recovery, seconds later, starts it."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)
announcers: list[Callable[[], object]] = []  # `tasks` adds its own, so services import no tasks


def announce() -> None:
    """Send a task; a broker that is down costs the caller at most a second, and no job."""
    try:
        for each in announcers:
            each()
    except Exception:
        log.warning("No worker heard of the job; the next recovery starts it", exc_info=True)
