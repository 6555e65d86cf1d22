"""Record sign-ins, refused sign-ins and second factors in the audit; at most so many an hour.

The lockout bounds what one caller can write about one name. All callers together are limited here,
separately for names that exist and names that do not, so that noise hides no attack on a person.
What is left out is counted, and the count is recorded once an hour.
"""

import threading
from typing import Any

from django.http import HttpRequest

from aethercrown.api.throttling import Rate, buckets, client_address
from aethercrown.history import audit_hooks
from aethercrown.history.attribution import user_actor
from security.access import lockout
from security.access.models import User

HOUR_SECONDS = 3600
KNOWN_NAMES_RATE = Rate(120, 120 / HOUR_SECONDS)
UNKNOWN_NAMES_RATE = Rate(30, 30 / HOUR_SECONDS)
ONCE_AN_HOUR = Rate(1, 1 / HOUR_SECONDS)
UNKNOWN_NAME = "a name that nobody has"


class OmittedCount:
    """How many refusals were left out since the count was last recorded; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self) -> None:
        with self._lock:
            self._count += 1

    def reset(self) -> int:
        """The count, which then begins at 0."""
        with self._lock:
            count, self._count = self._count, 0
        return count


omitted = OmittedCount()


# --- What people did ----------------------------------------------------------------------------
def record_sign_in(
    request: HttpRequest, user: User, sociallogin: Any = None, **_signal: Any
) -> None:
    """Receives allauth's `user_logged_in`: the password, and a second factor where there is one."""
    way = {"way": "single sign-on"} if sociallogin else {}
    record_act("signed in", user, address=client_address(request), **way)


def record_factor_added(user: User, authenticator: Any, **_signal: Any) -> None:
    """Receives allauth's `authenticator_added`."""
    record_act("second factor added", user, kind=str(authenticator.type))


def record_act(event: str, user: User, **detail: str | int) -> None:
    """An event by this person about himself."""
    subject = f"user {user.pk}"
    audit_hooks.record(
        stream="access", event=event, subject=subject, actor=user_actor(user), detail=detail
    )


# --- Refusals -----------------------------------------------------------------------------------
def record_wrong_password(
    request: HttpRequest | None = None, credentials: dict[str, Any] | None = None, **_signal: Any
) -> None:
    """Receives Django's `user_login_failed`; further tries at a locked name are not recorded."""
    if request is None or getattr(request, "was_locked", False):
        return
    name = str((credentials or {}).get("username") or "")
    user = User.objects.filter(username__iexact=name.strip()).order_by("pk").first()
    record_refusal("sign-in refused", user, request, why="password")


def record_wrong_code(request: HttpRequest, user: User, **_signal: Any) -> None:
    """Receives allauth's `authentication_failed`: the password was right, the code was not."""
    record_refusal("sign-in refused", user, request, why="code")


def record_lockout(request: HttpRequest, username: str, **_signal: Any) -> None:
    """Receives django-axes' `user_locked_out`; `username` is a digest (lockout.py)."""
    if getattr(request, "was_locked", False):
        return
    people = User.objects.only("pk", "username").iterator()
    user = next(
        (each for each in people if lockout.username_digest(each.username) == username), None
    )
    record_refusal("sign-in locked", user, request)


def record_refusal(
    event: str, user: User | None, request: HttpRequest, **detail: str | int
) -> bool:
    """Record one refusal; False, and counted, where there were too many in this hour."""
    group, rate = ("people", KNOWN_NAMES_RATE) if user else ("nobody", UNKNOWN_NAMES_RATE)
    if buckets.acquire(f"signin_audit:{group}", rate=rate, in_rows=True):
        omitted.add()
        record_omitted(request)
        return False
    subject = f"user {user.pk}" if user else UNKNOWN_NAME
    where = {"address": client_address(request)}
    audit_hooks.record(stream="access", event=event, subject=subject, detail={**where, **detail})
    return True


def record_omitted(request: HttpRequest) -> None:
    """Once an hour, how many refusals this process has left out."""
    if not buckets.acquire("signin_audit:omitted", rate=ONCE_AN_HOUR, in_rows=True):
        address = client_address(request)
        detail: dict[str, str | int] = {"count": omitted.reset(), "last_address": address}
        event = "sign-in refusals omitted"
        audit_hooks.record(stream="access", event=event, subject="sign-in", detail=detail)
