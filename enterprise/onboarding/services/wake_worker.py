"""Asks a worker to act at once; without one the next scheduled task does."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)
callbacks: list[Callable[[], object]] = []  # `tasks` adds its own, so services import no tasks


def wake_worker() -> None:
    """Ask a worker to run what automation has to do; a broker that is down loses nothing."""
    try:
        for callback in callbacks:
            callback()
    except Exception:
        log.warning("No worker could be woken; the next scheduled task acts", exc_info=True)
