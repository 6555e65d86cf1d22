"""The current actor and reason: a person, an API key, an automation or a command.

History and audit read it here, so services need not pass names.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from aethercrown.http.middleware import Middleware

MAX_LENGTH = 200
AUTOMATIC = "automation:platform"  # no person, key or command; a person is user:<name>


@dataclass(frozen=True, slots=True)
class ActorContext:
    """`actor` reads user:anna, key:12 crm, automation:operations.sweep or command:migrate."""

    actor: str = ""
    reason: str = ""
    address: str = ""


_resolvers: list[Callable[[str], str]] = []
_makers: list[Callable[[str], frozenset[str]]] = []
_holders: list[Callable[..., frozenset[str]]] = []
_approvers: list[Callable[[str], bool]] = []
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


def user_actor(user: Any) -> str:
    return f"user:{user.get_username()}"[:MAX_LENGTH]


def actor_of(request: Any) -> str:
    """The sender, of a typed form: a person or an API key; empty for a stranger."""
    credential = getattr(request, "auth", None) or getattr(request, "credential", None)
    user = getattr(request, "user", None)
    if credential is not None:
        return f"key:{credential.id} {getattr(credential, 'name', '')}".strip()[:MAX_LENGTH]
    return user_actor(user) if user is not None and user.is_authenticated else ""


def resolve_keys_by(resolve: Callable[[str], str], makers: Callable[[str], frozenset[str]]) -> None:
    """Register how the person who answers for an API key is found, and all who ever did."""
    _resolvers[:], _makers[:] = [resolve], [makers]


def person_behind(actor: str) -> str:
    """The actor; for an API key the person who made it, or the key without its name."""
    is_key = actor.startswith("key:") and _resolvers
    return _resolvers[0](actor) if is_key else actor


def check_approving_keys_by(may_approve: Callable[[str], bool]) -> None:
    """Register which API keys approve where four eyes are demanded; the security app calls it."""
    _approvers[:] = [may_approve]


def may_approve(actor: str) -> bool:
    """Whether an actor approves where four eyes are demanded: an API key only with a scope."""
    return not actor.startswith("key:") or all(each(actor) for each in _approvers)


def resolve_people_by(resolve: Callable[..., frozenset[str]]) -> None:
    """Register who has, or with `ever` had, a user name; the security app calls it."""
    _holders[:] = [resolve]


def people_behind(actor: str, *, ever: bool = False) -> frozenset[str]:
    """The actor's account, whatever it is called now; with `ever` of all who had that name.

    A person who was renamed stays the same. An API key is everybody's who ever answered for it or
    for one that it replaced: they may know it. What is no person's stays as it is.
    """
    if actor.startswith("key:") and _makers:
        return _makers[0](actor)
    person = person_behind(actor)
    found = _holders[0](person.removeprefix("user:"), ever=ever) if _is_person(person) else None
    return found or frozenset({person})


def _is_person(actor: str) -> bool:
    return bool(_holders) and actor.startswith("user:")


def shown_actor(actor: str) -> str:
    """An actor as pages name it; what was stored before actors had a type stays as it is."""
    kind, colon, name = actor.partition(":")
    if not colon:
        return actor
    if kind == "user":
        return name if name.lower() not in {"automatic", "setup"} else f"the person {name}"
    if kind == "key":
        return f"API key {name.partition(' ')[2] or name}"
    return {"automation": "automatic", "command": f"the command {name}"}.get(kind, actor)


def _sender(request: HttpRequest) -> ActorContext:
    from aethercrown.api.throttling import client_address  # noqa: PLC0415 - it needs loaded apps

    return ActorContext(actor_of(request), "", client_address(request))
