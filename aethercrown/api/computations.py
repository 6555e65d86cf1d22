"""A budget for heavy calculations in web processes: few at once for each caller and in all.

A calculation that would take longer than about half a second runs in `computation`, and the rows
of a long download are read in `held_while_read`. Above the limits, or after the deadline, the
caller gets 429 with Retry-After, on a page too; an API call with `Prefer: respond-async` gets a job
instead (operations/jobs), and only the check of a long body counts, in `body_check`.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.request import Request

from aethercrown import cancellation
from aethercrown.api import throttling
from aethercrown.db import semaphore
from aethercrown.http.middleware import Middleware

Item = TypeVar("Item")
API = "/api/"

SEMAPHORE = "computations"
BODY_CHECKS = "body checks"  # apart, so that a job can be started while others calculate
DOWNLOADS = "downloads"  # apart, so that a slow reader keeps nobody from calculating
LEASE_MARGIN_SECONDS = 15.0  # above the deadline: from the last checkpoint to the end
RETRY_AFTER_SECONDS = 2
CHECKING_SECONDS = 60.0  # the lease of a check, which takes a second or two
READING_SECONDS = 120.0  # the lease of a download; a slow reader keeps its slot no longer
TOO_MANY_BODIES = "Too many long bodies are being checked at once; try again shortly."
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


def is_long(request: Request, most: int) -> bool:
    """Whether the lists and objects of the body are so long that checking them is heavy already."""
    body = request.data.values() if isinstance(request.data, Mapping) else ()
    return sum(len(each) for each in body if isinstance(each, list | dict)) > most


def budgeted(request: Request, *, is_heavy: bool) -> AbstractContextManager[None]:
    """Run what an API call calculates; within the budget if it is heavy."""
    return computation(throttling.principal(request)) if is_heavy else nullcontext()


def budgeted_body(request: Request, *, is_heavy: bool, waits: bool) -> AbstractContextManager[None]:
    """Check a body, and answer where the caller waits; within a budget if it is heavy."""
    if waits:
        return budgeted(request, is_heavy=is_heavy)
    return body_check(throttling.principal(request)) if is_heavy else nullcontext()


@contextmanager
def body_check(caller: str) -> Iterator[None]:
    """Check a long body before a job is started. Raises ComputationLimit."""
    with _slot(BODY_CHECKS, caller, CHECKING_SECONDS, TOO_MANY_BODIES):
        yield


@contextmanager
def computation(caller: str) -> Iterator[None]:
    """Run a heavy calculation. Raises ComputationLimit, and ComputationTooLong at a checkpoint."""
    seconds = settings.COMPUTATION_SECONDS
    with _slot(SEMAPHORE, caller, seconds + LEASE_MARGIN_SECONDS):
        try:
            with cancellation.deadline(seconds):
                yield
        except cancellation.DeadlineExceeded:
            raise ComputationTooLong(seconds) from None


class HeldRows(Iterator[Item]):
    """Rows with slots that are freed when they are read, or when the response is closed.

    Not a generator: one that nobody closes is ended by garbage collection, perhaps in the middle of
    a statement, and must not use the database then. Its slots end with their lease.
    """

    def __init__(self, rows: Iterable[Item], held: list[semaphore.HeldSlot]) -> None:
        self.rows, self.held = iter(rows), held

    def __next__(self) -> Item:
        try:
            return next(self.rows)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if isinstance(self.rows, Generator):
            self.rows.close()
        semaphore.release_each(self.held)


def held_while_read(request: HttpRequest, rows: Iterable[Item]) -> Iterator[Item]:
    """The rows of a long download, with a slot until they are read. Raises ComputationLimit."""
    limits = _limits(DOWNLOADS, page_caller(request))
    held, full = semaphore.acquire_each(limits, READING_SECONDS)
    if full:
        raise ComputationLimit
    return HeldRows(rows, held)


def _limits(name: str, caller: str) -> dict[str, int]:
    return {
        f"{name} of {caller}": settings.COMPUTATIONS_PER_CALLER,
        name: settings.COMPUTATIONS_AT_ONCE,
    }


@contextmanager
def _slot(
    name: str, caller: str, lease_seconds: float, refusal: str | None = None
) -> Iterator[None]:
    """Hold a slot of the caller and one of all. Raises ComputationLimit."""
    with semaphore.slots(_limits(name, caller), lease_seconds) as full:
        if full:
            raise ComputationLimit(refusal)
        yield


def page_computation(request: HttpRequest, *, is_heavy: bool) -> AbstractContextManager[None]:
    """Run what a page calculates; within the budget if it is heavy."""
    return computation(page_caller(request)) if is_heavy else nullcontext()


def page_caller(request: HttpRequest) -> str:
    """The person who opens a page, as `throttling.principal` names one who calls the API."""
    return f"user:{request.user.pk}"


class BusyPages(Middleware):
    """Answers 429 where a page or the admin has more to calculate than the budget allows."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        refused = isinstance(error, ComputationLimit | ComputationTooLong)
        if request.path_info.startswith(API) or not refused:
            return None
        context = {"took_too_long": isinstance(error, ComputationTooLong)}
        response = render(request, "429.html", context, status=429)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
