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
    """The wait after `tries` failed ones, give or take JITTER by `random` in [0, 1), or None."""
    if tries > len(DELAYS):
        return None
    return DELAYS[tries - 1] * (1 + JITTER * (2 * random - 1))


def is_delivered(status: int) -> bool:
    """Whether the receiver accepted it."""
    return 200 <= status < 300


def is_final(status: int) -> bool:
    """Whether another try is pointless: a redirect, or most of the 4xx."""
    return 300 <= status < 500 and status not in RETRYABLE_CLIENT_ERRORS
