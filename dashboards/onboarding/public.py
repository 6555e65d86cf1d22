"""The page that a contact of a customer opens by a signed link: steps, dates, what is waited for.

It shows no keys, notes or other flows. Expired, wrong and revoked links are the same 404.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from aethercrown.api import throttling
from aethercrown.history.attribution import acting
from aethercrown.transitions import InvalidTransition
from dashboards.tables import Column, Table
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import contacts
from enterprise.onboarding.services.actions import ActionRefused


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def contact_page(request: HttpRequest, token: str) -> HttpResponseBase:
    """The status of one onboarding; a POST completes a step or fetches the key."""
    if wait := throttling.admit(request):
        return protected(HttpResponse("Too many requests.", status=429), wait)
    contact = contacts.opened_by(token)
    if contact is None:
        throttling.note_failure(request)
        raise Http404("There is no such page.")
    if request.method == "POST":
        return protected(_act(request, contact, token))
    return protected(_show(request, contact, token))


def protected(response: HttpResponse, wait: int = 0) -> HttpResponse:
    """Keep it out of caches, search engines and the addresses that other sites see."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "no-referrer"
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _act(request: HttpRequest, contact: Any, token: str) -> HttpResponse:
    now = timezone.now()
    with acting(f"contact:{contact.pk}"):
        try:
            if "key" in request.POST:
                fetched = contacts.fetch_secret(contact, now)
                return _show(request, contact, token, key=fetched.plaintext)
            contacts.complete(contact, request.POST.get("step", ""), now)
        except (InvalidTransition, ActionRefused) as error:
            response = _show(request, contact, token, problem=str(error))
            response.status_code = 409
            return response
    return redirect(request.path)


def _show(
    request: HttpRequest, contact: Any, token: str, *, key: str = "", problem: str = ""
) -> HttpResponse:
    now = timezone.now()
    flow = contact.flow
    steps = reports.steps_of(flow)
    shown = {
        "flow": flow,
        "status_text": flow.get_status_display(),
        "progress": reports.progress_of(steps),
        "steps": step_table(steps),
        "mine": [each for each in steps if contacts.may_complete(contact, each)],
        "has_key": not key and contacts.waiting_secret(contact, now) is not None,
        "key": key,
        "problem": problem,
        "read_at": now,
    }
    return render(request, "dashboards/public_onboarding.html", shown)


def step_table(steps: Any) -> Table:
    columns = (
        Column("Step"),
        Column("State", badge=True),
        Column("With"),
        Column("Planned until"),
        Column("Finished"),
    )
    rows = [
        (
            each.name.replace("_", " "),
            each.state.replace("_", " "),
            "you" if each.state == "waiting_customer" else "us",
            each.due_at,
            each.finished_at,
        )
        for each in steps
    ]
    return Table("steps", "Steps", columns, rows)
