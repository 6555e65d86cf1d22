"""Keep a form that was sent after the session had ended, and offer it again after the sign-in.

It stands in the session of the same browser for at most 15 minutes, and is sent only when the
person presses the button. It is offered to nobody but its person; where that is not known, because
the session was ended by another or never was, nothing is kept. Nor is a form with a file, or with
a password or another secret in it: sent without that it would mean something else.
"""

import time
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from aethercrown.http.middleware import Middleware
from aethercrown.monitoring.redaction import mask_address, secret_name

KEPT = "kept form"
KEPT_SECONDS = 15 * 60
MAX_CHARACTERS = 64 * 1024
PREFIXES = ("/dashboards/", "/admin/")  # pages of people who are signed in
OPEN = ("/admin/login/", "/admin/logout/")
LEFT_OUT = {"csrfmiddlewaretoken"}
SECRETS = frozenset({"value", "config"})  # a managed key's value, a configuration with secrets
ADDRESSES = frozenset({"address", "target"})  # a secret may be in the path or the query


def keep(request: HttpRequest, now: float | None = None) -> bool:
    """Store what was posted; False where it cannot be sent again as it was, or whose it is unknown.

    Of a form with a secret in it only that there was one is stored, to say so.
    """
    person = getattr(request, "ended_session_of", "") or str(request.user.pk or "")
    if request.method != "POST" or request.FILES or not person:
        return False
    fields = [(name, each) for name, each in request.POST.lists() if name not in LEFT_OUT]
    if not fields or sum(len(f"{each}") for each in fields) > MAX_CHARACTERS:
        return False
    has_secrets = any(is_secret(name, each) for name, values in fields for each in values)
    request.session[KEPT] = {
        "path": request.get_full_path(),
        "fields": [] if has_secrets else fields,
        "person": person,
        "until": int((time.time() if now is None else now) + KEPT_SECONDS),
    }
    return True


def is_secret(name: str, value: str) -> bool:
    """Whether the field of a form holds something that is stored nowhere in plain."""
    name = name.rpartition("-")[2].lower()  # of a row in a form: "form-0-address"
    if name in ADDRESSES:
        return mask_address(value, hide_path=True) != value
    return bool(value) and (name in SECRETS or secret_name(name))


def taken(request: HttpRequest, now: float | None = None) -> dict[str, Any] | None:
    """The form kept for this address and person, once; None where there is none."""
    kept: dict[str, Any] | None = request.session.get(KEPT)
    if kept is None or kept["path"] != request.get_full_path():
        return None
    del request.session[KEPT]
    is_theirs = kept["person"] == str(request.user.pk)
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
