"""Wakes whoever sends messages, as soon as there are some; without it, the next beat does.

The task hangs itself here when it is loaded, so that what writes messages need not know it.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


def _nobody() -> None:
    """Where no task is loaded."""


_ringer: Callable[[], object] = _nobody


def register_dispatcher(ringer: Callable[[], object]) -> None:
    """From now on `ring` calls this."""
    global _ringer  # noqa: PLW0603 - the one place that knows who sends
    _ringer = ringer


def notify_worker() -> None:
    """Ask for the messages to be sent; a broker that is away costs a few seconds, not the work."""
    try:
        _ringer()
    except Exception:
        log.warning("Nobody could be asked to send messages; the next beat does", exc_info=True)
