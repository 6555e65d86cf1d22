"""How long a session lasts: 30 minutes without a request, 12 hours in all.

What must not be done by whoever finds a browser open asks for a sign-in that is `FRESH`: at most
five minutes old. Times are whole seconds of the clock, kept in the session itself.
"""

import time
from collections.abc import Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponseBase

IDLE = 30 * 60
WHOLE = 12 * 3600
FRESH = 5 * 60
STEP = 60  # seconds between two writes of when it was seen: not every request costs one
BEGAN, SEEN, PROVED = "began", "seen", "proved"


class Sessions:
    """End a session that is too old; note that the others were seen."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now = int(time.time())
            if over(request.session, now):
                request.session.flush()
            elif now - request.session[SEEN] >= STEP:
                request.session[SEEN] = now
        return self.get_response(request)


def over(session: Any, now: int) -> bool:
    """Whether it has lain idle or lasted too long; one that says nothing of its age has."""
    began, seen = session.get(BEGAN), session.get(SEEN)
    return began is None or seen is None or now - began >= WHOLE or now - seen >= IDLE


def begin(request: HttpRequest, **_signal: Any) -> None:
    """Somebody signed in; receives Django's `user_logged_in`."""
    now = int(time.time())
    request.session.update({BEGAN: now, SEEN: now, PROVED: now})


def prove(session: MutableMapping[str, Any], now: int) -> None:
    """The person has just shown again who it is."""
    session[PROVED] = now


def is_fresh(session: Any, now: int) -> bool:
    """Whether the person has shown who it is within the last `FRESH` seconds."""
    proved: int = session.get(PROVED, 0)
    return 0 <= now - proved < FRESH
