"""Who starts jobs: key:<id>, account:<id> of a person, or command:<name>.

A person is named by the account and not by a user name: a name can be changed, be given to another
person later, and look like an account's number.
"""

from typing import Any

from django.contrib.auth import get_user_model

from aethercrown.history import attribution

KEY, ACCOUNT = "key", "account"


def caller_of(request: Any) -> str:
    """The API key or the person who sends a request; empty for a stranger."""
    credential = getattr(request, "auth", None)
    if credential is not None:
        return f"{KEY}:{credential.id}"
    user = getattr(request, "user", None)
    return account(user) if user is not None and user.is_authenticated else ""


def account(user: Any) -> str:
    return f"{ACCOUNT}:{user.pk}"


def actor_behind(caller: str) -> str:
    """The actor of a caller's work: a person by name, as history and four eyes know people."""
    kind, _, number = caller.partition(":")
    if kind != ACCOUNT or not number.isdecimal():
        return caller
    user = get_user_model().objects.filter(pk=number).first()
    return attribution.user_actor(user) if user is not None else caller
