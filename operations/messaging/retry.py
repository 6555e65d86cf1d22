"""When a message that failed is tried again, and which answers end it."""

from datetime import timedelta

DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
)
MAX_TRIES = len(DELAYS) + 1
JITTER = 0.1  # so that what failed together does not come back together
RETRYABLE_CLIENT_ERRORS = frozenset({408, 429})  # of the 4xx, those that mean "later"


def delay(tries: int, luck: float) -> timedelta | None:
    """How long to wait after `tries` failed tries; None after the last.

    `luck` in [0, 1) moves the wait by up to a tenth in either direction.
    """
    if tries > len(DELAYS):
        return None
    return DELAYS[tries - 1] * (1 + JITTER * (2 * luck - 1))


def is_delivered(status: int) -> bool:
    """Whether the receiver has it."""
    return 200 <= status < 300


def is_final(status: int) -> bool:
    """Whether the same call would be answered so again: a redirect, or most of the 4xx."""
    return 300 <= status < 500 and status not in RETRYABLE_CLIENT_ERRORS
