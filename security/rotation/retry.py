"""After a failure: how long to wait, and when a value is given up for a new one."""

from datetime import timedelta

WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(minutes=120),
)
TESTS = 3  # that a value may fail


def wait(failures: int) -> timedelta:
    """The wait after so many failures in a row, one or more; the last is repeated for ever."""
    if failures < 1:
        raise ValueError(f"failures is {failures}: must be 1 or more.")
    return WAITS[min(failures, len(WAITS)) - 1]


def given_up(tries: int) -> bool:
    """Whether a value that failed so many tests is thrown away."""
    return tries >= TESTS
