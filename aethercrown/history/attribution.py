"""The current actor and reason: a person, an API key, an automation or a command.

History and audit read it here, so services need not pass names.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from aethercrown.http.middleware import Middleware

MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ActorContext:
    """`actor` reads user:anna, key:12, automation:operations.sweep or command:migrate."""

    actor: str = ""
    reason: str = ""
    address: str = ""


_stated: ContextVar[ActorContext | None] = ContextVar("author", default=None)
_asking: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def current_actor() -> ActorContext:
    """The actor set by `acting`, or else the sender of the current request."""
    stated, request = _stated.get(), _asking.get()
    if stated is not None:
        return stated
    return ActorContext() if request is None else _sender(request)


@contextmanager
def acting(actor: str, reason: str = "", address: str = "") -> Iterator[None]:
    """Run the block as `actor`."""
    token = _stated.set(ActorContext(actor[:MAX_LENGTH], reason[:MAX_LENGTH], address))
    try:
        yield
    finally:
        _stated.reset(token)


class AttributionMiddleware(Middleware):
    """Stores the current request; its sender is looked up only when needed."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _asking.set(request)
        try:
            return self.get_response(request)
        finally:
            _asking.reset(token)


def _sender(request: HttpRequest) -> ActorContext:
    from aethercrown.api.throttling import client_address  # noqa: PLC0415 - it needs loaded apps

    credential = getattr(request, "credential", None)
    user = getattr(request, "user", None)
    actor = ""
    if credential is not None:
        actor = f"key:{credential.id} {credential.name}"
    elif user is not None and user.is_authenticated:
        actor = f"user:{user.get_username()}"
    return ActorContext(actor[:MAX_LENGTH], "", client_address(request))
