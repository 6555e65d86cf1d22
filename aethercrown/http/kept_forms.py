"""Keep a form that was sent after the session had ended, and offer it again after the sign-in.

It stands in the session of the same browser for at most 15 minutes, and is sent only when the
person presses the button. Passwords and other secrets are left out, files too. It is offered to
nobody but its person; where the ended session's row is gone, its person is not known, and whoever
signs in next in that browser is offered it.
"""

import re
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from aethercrown.http.middleware import Middleware

KEPT = "kept form"
KEPT_SECONDS = 15 * 60
MAX_CHARACTERS = 64 * 1024
PREFIXES = ("/dashboards/", "/admin/")  # pages of people who are signed in
OPEN = ("/admin/login/", "/admin/logout/")
SECRET = re.compile(r"password|secret|token|plaintext|(^|[-_.])value$", re.IGNORECASE)
LEFT_OUT = {"csrfmiddlewaretoken"}


def keep(request: HttpRequest, now: float | None = None) -> bool:
    """Store what was posted; False where there is nothing that could be sent again as it was."""
    had_session = settings.SESSION_COOKIE_NAME in request.COOKIES
    if request.method != "POST" or request.FILES or not had_session:
        return False
    fields = [
        (name, values)
        for name, values in request.POST.lists()
        if name not in LEFT_OUT and not SECRET.search(name)
    ]
    if not fields or sum(len(f"{each}") for each in fields) > MAX_CHARACTERS:
        return False
    request.session[KEPT] = {
        "path": request.get_full_path(),
        "fields": fields,
        "has_secrets": any(SECRET.search(name) for name in request.POST if name not in LEFT_OUT),
        "person": getattr(request, "ended_session_of", ""),
        "until": int((time.time() if now is None else now) + KEPT_SECONDS),
    }
    return True


def taken(request: HttpRequest, now: float | None = None) -> dict[str, Any] | None:
    """The form kept for this address and person, once; None where there is none."""
    kept: dict[str, Any] | None = request.session.get(KEPT)
    if kept is None or kept["path"] != request.get_full_path():
        return None
    del request.session[KEPT]
    is_theirs = kept["person"] in {"", str(request.user.pk)}
    is_young = kept["until"] >= (time.time() if now is None else now)
    return kept if is_theirs and is_young else None


class KeptForms(Middleware):
    """Stands after the checks of sessions and of CSRF, so that only a person's own form is kept."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        offers = request.method == "GET" and request.path.startswith(PREFIXES)
        if offers and request.user.is_authenticated and (kept := taken(request)):
            context = {"kept": kept, "count": len(kept["fields"])}
            answer = render(request, "kept_form.html", context)
            answer["Cache-Control"] = "no-store"
            return answer
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponseBase | None:
        """Send a person whose session has ended to sign in, with the form kept."""
        is_ours = request.path.startswith(PREFIXES) and not request.path.startswith(OPEN)
        if is_ours and not request.user.is_authenticated and keep(request):
            return redirect_to_login(request.get_full_path())
        return None
