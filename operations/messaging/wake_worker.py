"""Asks a worker to send new messages at once; `services.deliver_due` is what sends them.

Without a worker the next scheduled task sends them.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)
callbacks: list[Callable[[], object]] = []  # `tasks` adds its own, so services import no tasks


def wake_worker() -> None:
    """Ask a worker to send messages; a broker that is down costs a few seconds, and no message."""
    try:
        for callback in callbacks:
            callback()
    except Exception:
        log.warning("No worker could be woken; the next scheduled task sends", exc_info=True)
