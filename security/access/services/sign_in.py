"""Check passwords: with a lockout, and only a few at once, as each takes memory and a core."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axes.backends import AxesBackend
from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from aethercrown.api.throttling import Rate, buckets, client_address
from security.access import lockout, reports
from security.access.models import User

HOURLY_FAILURES = Rate(lockout.MAX_FAILURES_PER_HOUR, lockout.MAX_FAILURES_PER_HOUR / 3600)
ADDRESS_FAILURES = Rate(lockout.MAX_FAILURES_PER_ADDRESS, lockout.ADDRESS_TRIES_PER_HOUR / 3600)
MAX_CONCURRENT_HASHES = 2  # in one process: each takes 19 MiB and a core
WAIT_SECONDS = 5.0
log = logging.getLogger(__name__)
_slots = threading.BoundedSemaphore(MAX_CONCURRENT_HASHES)


class TooManySignIns(Exception):
    """More sign-ins at once than passwords can be hashed; nothing was checked."""


@contextmanager
def hashing_slot() -> Iterator[None]:
    """One of MAX_CONCURRENT_HASHES. Raises TooManySignIns where none is free in time."""
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise TooManySignIns
    try:
        yield
    finally:
        _slots.release()


class PasswordBackend(AxesBackend):  # type: ignore[misc]  # its base has no types
    """Django's password check with a lockout; settings name it.

    An unknown name is counted, and a password is hashed for it, like for a known one.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if request is None:  # called by our own code, not by a caller to limit
            return self.check(None, username, password)
        bucket = f"sign-in:{lockout.username_digest(username or '')}"
        if is_locked(request, username or "", bucket):
            request.axes_locked_out = True  # type: ignore[attr-defined]  # read by the middleware
            request.was_locked = True  # type: ignore[attr-defined]  # read by signin_audit
            log.warning("Sign-in locked after too many wrong passwords")
            raise PermissionDenied
        try:
            user = self.check(request, username, password)
        except TooManySignIns:  # no password was looked at
            count_try(request, bucket, cost=-1)
            raise
        if user is not None:  # a right password costs no try
            count_try(request, bucket, cost=-1)
        return user

    def check(
        self, request: HttpRequest | None, username: str | None, password: str | None
    ) -> User | None:
        with hashing_slot():
            user = ModelBackend.authenticate(self, request, username, password)
        return user if isinstance(user, User) and reports.may_use_password(user) else None


def is_locked(request: HttpRequest, username: str, bucket: str) -> bool:
    """Whether this name is locked now, here or everywhere, or this address for all names.

    A try is counted before the password is looked at: of many at once none is free.
    """
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        return True
    return count_try(request, bucket)


def count_try(request: HttpRequest, bucket: str, cost: int = 1) -> bool:
    """Count one try for the address and the name; whether one of them has none left."""
    if buckets.acquire(address_bucket(request), cost=cost, rate=ADDRESS_FAILURES):
        return True
    return bool(buckets.acquire(bucket, cost=cost, rate=HOURLY_FAILURES))


def address_bucket(request: HttpRequest) -> str:
    return f"sign-in-address:{client_address(request)}"


def axes_username(_request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """What django-axes stores of a user name; settings name it."""
    return lockout.username_digest(str((credentials or {}).get("username") or ""))


def axes_client_ip(request: HttpRequest) -> str | None:
    """What django-axes stores of a caller's address; settings name it."""
    address = client_address(request).partition("/")[0]
    return None if address == "unknown" else address


def axes_client_text(*_args: Any) -> str:
    """What django-axes logs of a caller; settings name it."""
    return "somebody"
