"""Session limits: 30 minutes without a request, 12 hours in all.

Sensitive actions need a fresh sign-in, at most FRESH_SECONDS old. Times are whole seconds since
1970, stored in the session.
"""

import time
from collections.abc import Callable, MutableMapping
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from aethercrown.http import kept_forms
from aethercrown.http.middleware import Middleware

Method = TypeVar("Method", bound=Callable[..., Any])
IDLE_SECONDS = 30 * 60
MAX_AGE_SECONDS = 12 * 3600
FRESH_SECONDS = 5 * 60
SEEN_UPDATE_SECONDS = 60  # between two writes of the last use
BEGAN, SEEN, PROVED, FACTOR = "began", "seen", "proved", "factor"
PROVIDERS_FACTOR = "providers factor"


class SessionLimits(Middleware):
    """Ends expired sessions; stores when the others were last used."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now = int(time.time())
            if is_expired(request.session, now):
                request.ended_session_of = str(request.session[SESSION_KEY])  # type: ignore[attr-defined]  # for kept forms
                request.session.flush()
            elif now - request.session[SEEN] >= SEEN_UPDATE_SECONDS:
                request.session[SEEN] = now
        return self.get_response(request)


def purge() -> None:
    """Delete the rows of sessions that have ended."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


def is_expired(session: Any, now: int) -> bool:
    """Whether the session was idle or lasted too long; one without times has expired."""
    began, seen = session.get(BEGAN), session.get(SEEN)
    return (
        began is None
        or seen is None
        or now - began >= MAX_AGE_SECONDS
        or now - seen >= IDLE_SECONDS
    )


def start_session(request: HttpRequest, **_signal: Any) -> None:
    """Receives Django's `user_logged_in`."""
    now = int(time.time())
    request.session.update({BEGAN: now, SEEN: now, PROVED: now})


def mark_reauthenticated(session: MutableMapping[str, Any], now: int) -> None:
    """Store that the person has just authenticated again."""
    session[PROVED] = now


def is_fresh(session: Any, now: int) -> bool:
    """Whether the person authenticated within the last FRESH_SECONDS."""
    proved: int = session.get(PROVED, 0)
    return 0 <= now - proved < FRESH_SECONDS


def reauthentication_redirect(request: HttpRequest) -> HttpResponse | None:
    """A redirect to the page that asks for the password again; None where the sign-in is fresh.

    For steps that nobody may take at a browser left open, such as revoking a secret. What was
    posted is kept, and offered again afterwards.
    """
    if is_fresh(request.session, int(time.time())):
        return None
    kept_forms.keep(request)
    there = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{there}")


def fresh_login(method: Method) -> Method:
    """Decorate an admin method: the person signs in again first, where the sign-in is not fresh."""

    @wraps(method)
    def asking(screen: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return reauthentication_redirect(request) or method(screen, request, *args, **kwargs)

    return cast("Method", asking)


def mark_second_factor(session: MutableMapping[str, Any], person_id: object) -> None:
    """Store that this person has shown a second factor in this session."""
    session[FACTOR] = str(person_id)


def has_second_factor(session: Any, person_id: object) -> bool:
    """Whether this person has shown a second factor in this session."""
    return bool(session.get(FACTOR) == str(person_id))


def mark_providers_factor(session: MutableMapping[str, Any], person_id: object) -> None:
    """Store that this person showed a second factor to the identity provider."""
    session[PROVIDERS_FACTOR] = str(person_id)


def has_providers_factor(session: Any, person_id: object) -> bool:
    """Whether this person showed a second factor to the identity provider for this session."""
    return bool(session.get(PROVIDERS_FACTOR) == str(person_id))


def forget_second_factor(session: MutableMapping[str, Any]) -> None:
    session.pop(FACTOR, None)
