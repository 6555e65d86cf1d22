"""Who starts jobs: key:<id>, account:<id> of a person, or command:<name>.

A person is named by the account and not by a user name: a name can be changed, be given to another
person later, and look like an account's number.
"""

from collections.abc import Callable
from typing import Any

KEY, ACCOUNT = "key", "account"
# Each says why nothing more is done for a caller, such as a key that was revoked; "" if it is.
refusals: list[Callable[[str], str]] = []


def caller_of(request: Any) -> str:
    """The API key or the person who sends a request; empty for a stranger."""
    credential = getattr(request, "auth", None)
    if credential is not None:
        return f"{KEY}:{credential.id}"
    user = getattr(request, "user", None)
    return account(user) if user is not None and user.is_authenticated else ""


def why_refused(caller: str) -> str:
    """Why a job of this caller does not run any more; empty where it does."""
    return next(filter(None, (refuse(caller) for refuse in refusals)), "")


def account(user: Any) -> str:
    return f"{ACCOUNT}:{user.pk}"
