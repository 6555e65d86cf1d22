"""When a failed message is tried again, and which HTTP statuses are final. Pure."""

from datetime import timedelta

DELAYS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
)
MAX_TRIES = len(DELAYS) + 1
JITTER = 0.1  # so that messages that failed together are not retried together
RETRYABLE_CLIENT_ERRORS = frozenset({408, 429})  # of the 4xx, those worth another try


def delay(tries: int, random: float) -> timedelta | None:
    """How long to wait after `tries` failed tries; None after the last.

    `random` in [0, 1) changes the wait by up to a tenth in either direction.
    """
    if tries > len(DELAYS):
        return None
    return DELAYS[tries - 1] * (1 + JITTER * (2 * random - 1))


def is_delivered(status: int) -> bool:
    """Whether the receiver accepted it."""
    return 200 <= status < 300


def is_final(status: int) -> bool:
    """Whether another try is pointless: a redirect, or most of the 4xx."""
    return 300 <= status < 500 and status not in RETRYABLE_CLIENT_ERRORS
