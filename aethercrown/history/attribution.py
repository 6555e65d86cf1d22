"""Who is at work here and why: a person, an API key, an automation or a command.

Whatever records a change asks this one place, so that no service has to hand names down.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Author:
    """`actor` reads user:anna, key:12, automation:operations.sweep or command:migrate."""

    actor: str = ""
    reason: str = ""
    address: str = ""


_stated: ContextVar[Author | None] = ContextVar("author", default=None)
_asking: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def author() -> Author:
    """Who is at work: whoever was stated last, or else the sender of the request."""
    stated, request = _stated.get(), _asking.get()
    if stated is not None:
        return stated
    return Author() if request is None else _sender(request)


@contextmanager
def acting(actor: str, reason: str = "", address: str = "") -> Iterator[None]:
    """Do the block in the name of `actor`."""
    token = _stated.set(Author(actor[:LONGEST], reason[:LONGEST], address))
    try:
        yield
    finally:
        _stated.reset(token)


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Do the block in the name of whoever is at work, for a reason."""
    now = author()
    with acting(now.actor, reason, now.address):
        yield


class Attributed:
    """Keep the request at hand; who sent it is looked up only when something asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _asking.set(request)
        try:
            return self.get_response(request)
        finally:
            _asking.reset(token)


def _sender(request: HttpRequest) -> Author:
    from aethercrown.api.throttling import client_address  # noqa: PLC0415 - it needs loaded apps

    credential = getattr(request, "credential", None)
    user = getattr(request, "user", None)
    actor = ""
    if credential is not None:
        actor = f"key:{credential.id} {credential.name}"
    elif user is not None and user.is_authenticated:
        actor = f"user:{user.get_username()}"
    return Author(actor[:LONGEST], "", client_address(request))
