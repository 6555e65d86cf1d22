"""Asks a worker to send new messages at once; otherwise the next scheduled task sends them.

The task registers itself here when it is loaded, so that services need not import tasks.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


def _do_nothing() -> None:
    """Used if no task is loaded."""


_dispatcher: Callable[[], object] = _do_nothing


def register_dispatcher(dispatcher: Callable[[], object]) -> None:
    """From now on `notify_worker` calls this."""
    global _dispatcher  # noqa: PLW0603 - the one place that knows who sends
    _dispatcher = dispatcher


def notify_worker() -> None:
    """Ask for messages to be sent; a broker that is down costs a few seconds, and no message."""
    try:
        _dispatcher()
    except Exception:
        log.warning("No worker could be notified; the next scheduled task sends", exc_info=True)
