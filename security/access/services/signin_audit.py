"""Telling the audit of refused sign-ins, so many an hour and no more.

A name that somebody has closes after a few wrong passwords (security/access/lockout.py), which
bounds what one caller can write. All callers together are bounded here, and apart from each
other where a name is somebody's and where it is made up: so noise hides no attack on a person.
What is left out is counted, and told once an hour.
"""

import threading
from typing import Any

from django.http import HttpRequest

from aethercrown.api.throttling import Rate, buckets, client_address
from aethercrown.history import audit_hooks
from security.access import lockout
from security.access.models import User

HOUR = 3600
OF_PEOPLE = Rate(120, 120 / HOUR)
OF_NOBODY = Rate(30, 30 / HOUR)
ONCE = Rate(1, 1 / HOUR)
NOBODY = "a name that nobody has"


class Tally:
    """How many were left out since they were last told of; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self) -> None:
        with self._lock:
            self._count += 1

    def taken(self) -> int:
        """The count, which begins anew."""
        with self._lock:
            count, self._count = self._count, 0
        return count


left_out = Tally()


def password_refused(
    request: HttpRequest | None = None,
    credentials: dict[str, Any] | None = None,
    **_signal: Any,
) -> None:
    """Receives Django's `user_login_failed`; a try at a name that is closed is told no more."""
    if request is None or getattr(request, "was_closed", False):
        return
    name = str((credentials or {}).get("username") or "")
    user = User.objects.filter(username__iexact=name.strip()).order_by("pk").first()
    tell("sign-in refused", user, request, why="password")


def code_refused(request: HttpRequest, user: User, **_signal: Any) -> None:
    """Receives allauth's `authentication_failed`: the password was right, and the code was not."""
    tell("sign-in refused", user, request, why="code")


def name_closed(request: HttpRequest, username: str, **_signal: Any) -> None:
    """Receives django-axes' `user_locked_out`; the name is a digest, as lockout.py has it."""
    if getattr(request, "was_closed", False):
        return
    people = User.objects.only("pk", "username").iterator()
    user = next((each for each in people if lockout.who(each.username) == username), None)
    tell("sign-in closed", user, request)


def tell(event: str, user: User | None, request: HttpRequest, **detail: str | int) -> bool:
    """One event of the stream of access; False where there were too many in this hour."""
    kind, rate = ("people", OF_PEOPLE) if user else ("nobody", OF_NOBODY)
    if buckets.take(f"told:{kind}", rate=rate, in_rows=True):
        left_out.add()
        tell_of_flood(request)
        return False
    subject = f"user {user.pk}" if user else NOBODY
    record(event, subject, address=client_address(request), **detail)
    return True


def tell_of_flood(request: HttpRequest) -> None:
    """That more was refused than is told, once an hour, with the count of this process."""
    if not buckets.take("told:flood", rate=ONCE, in_rows=True):
        record(
            "sign-ins refused unsaid",
            "sign-in",
            count=left_out.taken(),
            last_address=client_address(request),
        )


def record(event: str, subject: str, **detail: str | int) -> None:
    audit_hooks.record(stream="access", event=event, subject=subject, detail=detail)
