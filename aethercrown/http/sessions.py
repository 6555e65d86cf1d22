"""Session limits: 30 minutes without a request, 12 hours in all.

Sensitive actions need a fresh sign-in, at most FRESH_SECONDS old. Times are whole seconds since
1970, stored in the session.
"""

import time
from collections.abc import MutableMapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponseBase

from aethercrown.http.middleware import Middleware

IDLE_SECONDS = 30 * 60
MAX_AGE_SECONDS = 12 * 3600
FRESH_SECONDS = 5 * 60
SEEN_UPDATE_SECONDS = 60  # between two writes of the last use
BEGAN, SEEN, PROVED, FACTOR = "began", "seen", "proved", "factor"


class SessionLimits(Middleware):
    """Ends expired sessions; stores when the others were last used."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now = int(time.time())
            if is_expired(request.session, now):
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


def mark_second_factor(session: MutableMapping[str, Any], person_id: object) -> None:
    """Store that this person has shown a second factor in this session."""
    session[FACTOR] = str(person_id)


def has_second_factor(session: Any, person_id: object) -> bool:
    """Whether this person has shown a second factor in this session."""
    return bool(session.get(FACTOR) == str(person_id))


def forget_second_factor(session: MutableMapping[str, Any]) -> None:
    session.pop(FACTOR, None)
