"""Asks a worker to send new messages at once; `services.deliver_due` is what sends them.

Without a worker the next scheduled task sends them.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)
notifiers: list[Callable[[], object]] = []  # `tasks` adds its own, so services import no tasks


def notify_worker() -> None:
    """Ask for messages to be sent; a broker that is down costs a few seconds, and no message."""
    try:
        for notify in notifiers:
            notify()
    except Exception:
        log.warning("No worker could be notified; the next scheduled task sends", exc_info=True)
