"""The roles' groups, kept as roles.py says; the check of a password; the first administrator."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from axes.backends import AxesBackend
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from aethercrown.api.throttling import Rate, buckets, client_address
from aethercrown.crypto import sealing
from aethercrown.history import audit_hooks
from aethercrown.history.tracking import silent
from aethercrown.http import sessions
from security.access import lockout, roles, setup
from security.access.models import SetupLink, User

FROM_EVERYWHERE = Rate(lockout.IN_AN_HOUR, lockout.IN_AN_HOUR / 3600)
AT_ONCE = 2  # passwords that one process hashes side by side: each takes 19 MiB and a core
PATIENCE = 5.0  # seconds that a sign-in waits for its turn
log = logging.getLogger(__name__)


@transaction.atomic
def grant(app: str) -> None:
    """Make every role's group, and give it exactly its permissions of `app`.

    Runs after each migration of an app, when its permissions stand; repeating changes nothing.
    """
    permissions = list(Permission.objects.filter(content_type__app_label=app))
    with silent():  # the code says what they hold
        for role in roles.ROLES:
            group, _ = Group.objects.get_or_create(name=role)
            kept = group.permissions.exclude(content_type__app_label=app)
            held = [each for each in permissions if roles.grants(role, app, each.codename)]
            group.permissions.set([*kept, *held])


class Busy(Exception):
    """More sign-ins at once than passwords can be hashed; nothing was checked."""


class Turns:
    """At most `count` at a time; the others wait, and Busy for whom that takes too long."""

    def __init__(self, count: int) -> None:
        self.free = threading.BoundedSemaphore(count)

    @contextmanager
    def taken(self, patience: float) -> Iterator[None]:
        if not self.free.acquire(timeout=patience):
            raise Busy
        try:
            yield
        finally:
            self.free.release()


turns = Turns(AT_ONCE)


class Passwords(AxesBackend):  # type: ignore[misc]  # its base has no types
    """Django's check, closed for a while after wrong passwords; settings name it.

    An unknown name is treated as a known one: it is counted, and a password is hashed for it.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if request is None:  # a program of ours, with nobody to hold off
            return self.checked(None, username, password)
        bucket = f"sign-in:{lockout.who(username or '')}"
        if is_closed(request, username or "", bucket):
            request.axes_locked_out = True  # type: ignore[attr-defined]  # read by the middleware
            request.was_closed = True  # type: ignore[attr-defined]  # read by doors
            log.warning("Sign-in closed after too many wrong passwords")
            raise PermissionDenied
        user = self.checked(request, username, password)
        if user is None:
            buckets.take(bucket, rate=FROM_EVERYWHERE)
        return user

    def checked(
        self, request: HttpRequest | None, username: str | None, password: str | None
    ) -> User | None:
        with turns.taken(PATIENCE):
            user = ModelBackend.authenticate(self, request, username, password)
        return user if isinstance(user, User) else None


def is_closed(request: HttpRequest, username: str, bucket: str) -> bool:
    """Whether this name is closed now, for this address or for all."""
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        return True
    return bool(buckets.take(bucket, cost=0, rate=FROM_EVERYWHERE))


def tried_name(_request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """How django-axes calls a user name; settings name it."""
    return lockout.who(str((credentials or {}).get("username") or ""))


def tried_from(request: HttpRequest) -> str | None:
    """How django-axes calls a caller's address; settings name it."""
    address = client_address(request).partition("/")[0]
    return None if address == "unknown" else address


def nobody_named(*_who: Any) -> str:
    """What django-axes logs of a caller; settings name it."""
    return "somebody"


class AlreadySetUp(Exception):
    """There is an administrator: the others are made in the admin."""


class LinkGone(Exception):
    """The link was used, is too old, or never was."""


@transaction.atomic
def make_setup_link(now: datetime) -> str:
    """The token of a new link; one made before ends here."""
    refuse_second()
    SetupLink.objects.all().delete()
    token = setup.new_token()
    SetupLink.objects.create(digest=setup.digest(token), expires_at=now + setup.LIFE)
    return token


def refuse_second() -> None:
    if User.objects.filter(is_superuser=True).exists():
        raise AlreadySetUp("There is an administrator already, who makes the others in the admin.")


@transaction.atomic
def use_setup_link(token: str, username: str, password: str, now: datetime) -> User:
    """Make the first administrator. Of several posts at once, the one that marks the link wins."""
    mine = SetupLink.objects.filter(
        digest=setup.digest(token), used_at=None, expires_at__gt=now
    ).update(used_at=now)
    if not mine:
        raise LinkGone
    refuse_second()
    user = User(username=username, is_staff=True, is_superuser=True)
    user.set_password(password)
    user.save()
    tell("first administrator made", user)
    return user


def end_sessions(people: Iterable[User], but: str = "") -> int:
    """Sign these people out wherever they are, save in the session `but`; how many ended."""
    wanted = {str(each.pk) for each in people}
    ended = 0
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if row.session_key != but and row.get_decoded().get(SESSION_KEY) in wanted:
            row.delete()
            ended += 1
    return ended


QUIET = frozenset({"account/messages/logged_in.txt", "account/messages/logged_out.txt"})


class People(DefaultAccountAdapter):  # type: ignore[misc]  # its base has no types
    """How allauth treats our people: nobody signs up, and a sign-in of minutes ago is fresh."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not sessions.is_fresh(context.request.session, int(time.time()))

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Say what was done, but not that somebody signed in: the page shows it."""
        if message_template not in QUIET:
            super().add_message(request, level, message_template, *args, **kwargs)


class Factors(DefaultMFAAdapter):  # type: ignore[misc]  # its base has no types
    """The secrets of second factors are sealed at rest: a copy of the database opens no account."""

    def get_totp_issuer(self) -> str:
        return "AetherCrown"

    def encrypt(self, text: str) -> str:
        return sealing.seal(text, settings.MFA_SEALING_KEY)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.opened(encrypted_text, settings.MFA_SEALING_KEY)


def proved_again(request: HttpRequest, **_signal: Any) -> None:
    """Receives allauth's `authentication_step_completed`: the next minutes count as fresh."""
    sessions.prove(request.session, int(time.time()))


# --- What the audit is told -------------------------------------------------------------------
def tell(event: str, user: User, **detail: str | int) -> None:
    """An event of the stream of access, in this person's name."""
    subject = f"user {user.pk}"
    audit_hooks.record(
        stream="access", event=event, subject=subject, actor=user.get_username(), detail=detail
    )


def signed_in(request: HttpRequest, user: User, **_signal: Any) -> None:
    """Receives allauth's `user_logged_in`: the password, and a second factor where there is one."""
    tell("signed in", user, address=client_address(request))


def factor_added(user: User, authenticator: Any, **_signal: Any) -> None:
    tell("second factor added", user, kind=str(authenticator.type))


def factor_removed(user: User, authenticator: Any, **_signal: Any) -> None:
    tell("second factor removed", user, kind=str(authenticator.type))
