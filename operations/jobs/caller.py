"""Who starts jobs: key:<id>, account:<id> of a person, or command:<name>.

A person is named by the account and not by a user name: a name can be changed, be given to another
person later, and look like an account's number.
"""

from typing import Any

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
