"""A budget for heavy calculations in web processes: few at once for each caller and in all.

A calculation that would take longer than about half a second runs in `computation`. Above the
limits, or after the deadline, the caller gets 429 with Retry-After; with `Prefer: respond-async` it
gets a job instead (operations/jobs), which has no part in this budget.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from rest_framework import exceptions

from aethercrown import cancellation
from aethercrown.db import semaphore

SEMAPHORE = "computations"
LEASE_MARGIN_SECONDS = 15.0  # above the deadline: from the last checkpoint to the end
RETRY_AFTER_SECONDS = 2
ASYNC_ADVICE = "send `Prefer: respond-async` to have it calculated as a job"


class ComputationLimit(exceptions.APIException):
    """429: the caller, or all callers together, have as many heavy calculations as they may."""

    status_code = 429
    default_code = "computation_limit"
    default_detail = f"Too many heavy calculations at once; try again shortly, or {ASYNC_ADVICE}."
    wait = RETRY_AFTER_SECONDS


class ComputationTooLong(exceptions.APIException):
    """429: the calculation took longer than COMPUTATION_SECONDS and was stopped."""

    status_code = 429
    default_code = "computation_too_long"
    wait = RETRY_AFTER_SECONDS

    def __init__(self, seconds: float) -> None:
        super().__init__(f"This takes longer than {seconds:g} s, the limit: {ASYNC_ADVICE}.")


@contextmanager
def computation(caller: str) -> Iterator[None]:
    """Run a heavy calculation. Raises ComputationLimit, and ComputationTooLong at a checkpoint."""
    seconds = settings.COMPUTATION_SECONDS
    limits = {
        f"{SEMAPHORE} of {caller}": settings.COMPUTATIONS_PER_CALLER,
        SEMAPHORE: settings.COMPUTATIONS_AT_ONCE,
    }
    with semaphore.slots(limits, seconds + LEASE_MARGIN_SECONDS) as full:
        if full:
            raise ComputationLimit
        try:
            with cancellation.deadline(seconds):
                yield
        except cancellation.DeadlineExceeded:
            raise ComputationTooLong(seconds) from None
