"""Sessions: when a sign-in counts as fresh, and signing out elsewhere."""

import time
from collections.abc import Iterable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from aethercrown.http import sessions
from security.access import reports, session_store
from security.access.models import User

SUPPRESSED_MESSAGES = frozenset(
    {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}
)


def end_sessions(people: Iterable[User], except_key: str = "") -> int:
    """Sign these people out everywhere but in the session `except_key`; how many sessions ended."""
    wanted, mine = {str(each.pk) for each in people}, session_store.digest(except_key)
    ended = 0
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        if row.session_key != mine and row.get_decoded().get(SESSION_KEY) in wanted:
            row.delete()
            ended += 1
    return ended


def note_fresh_sign_in(request: HttpRequest, user: User, method: str, **_signal: Any) -> None:
    """Receives allauth's `authentication_step_completed`: the sign-in is fresh for some minutes."""
    if method == "socialaccount":
        return  # as fresh as the identity provider says: identity_provider.note_sign_in
    sessions.mark_reauthenticated(request.session, int(time.time()))
    if method == "mfa":
        sessions.mark_second_factor(request.session, user.pk)


def note_factor_added(request: HttpRequest, user: User, **_signal: Any) -> None:
    """Receives allauth's `authenticator_added`: whoever sets one up has shown that it works."""
    sessions.mark_second_factor(request.session, user.pk)


def note_factor_removed(request: HttpRequest, **_signal: Any) -> None:
    """Receives allauth's `authenticator_removed`."""
    sessions.forget_second_factor(request.session)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # its base has no types
    """allauth's accounts: no sign-up, and our own rule for a fresh sign-in."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not sessions.is_fresh(context.request.session, int(time.time()))

    def get_reauthentication_methods(self, user: User) -> list[dict[str, str]]:
        """The ways to confirm who one is; without a password that works, not by it."""
        ways = super().get_reauthentication_methods(user)
        if not reports.may_use_password(user):
            ways = [each for each in ways if each["id"] != "reauthenticate"]
        if reports.has_single_sign_on(user):
            words = f"Sign in again at {settings.OIDC_NAME}"
            ways.append({"id": "sso", "url": reverse("sso_again"), "description": words})
        return list(ways)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Leave out that somebody signed in or out: the page shows it."""
        if message_template not in SUPPRESSED_MESSAGES:
            super().add_message(request, level, message_template, *args, **kwargs)
