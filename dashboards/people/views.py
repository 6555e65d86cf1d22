"""The page of people: who can sign in and as what; an invitation in one form."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from aethercrown.http.sessions import reauthentication_redirect
from dashboards import access, page_context
from dashboards.access import opened_by
from dashboards.form_fields import FormField
from dashboards.tables import Column, Table
from security.access import reports, services
from security.access.roles import VIEWER

MAY_SEE, MAY_INVITE = "security.view_user", "security.add_user"
TEXTS = {"username": "User name", "email": "E-mail address", "role": "Role"}
PEOPLE = page_context.Breadcrumb("People", "/dashboards/people")
MAX_PEOPLE = 500


@opened_by(MAY_SEE, posts=MAY_INVITE)
def people(request: HttpRequest) -> HttpResponseBase:
    """List them; a POST invites one, after a fresh sign-in."""
    by = _person(request)
    given = dict.fromkeys(TEXTS, "") | {"role": VIEWER}
    problems: dict[str, str] = {}
    if request.method == "POST":
        if (again := reauthentication_redirect(request)) is not None:
            return again
        given = {name: request.POST.get(name, "").strip()[:254] for name in TEXTS}
        try:
            row = services.invite(given, by, timezone.now())
        except services.InvalidInvitation as error:
            problems = dict(error.problems)
        else:
            return _invited(request, row)
    return _page(request, by, given, problems)


@opened_by(MAY_INVITE, posts=MAY_INVITE)
def invite_again(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A new link for somebody who has not chosen a password yet; the older one ends."""
    if request.method != "POST":
        return redirect("people")
    if (again := reauthentication_redirect(request)) is not None:
        return again
    person = reports.all_people().filter(pk=pk).first()
    if person is None:
        raise Http404(f"There is no person {pk}.")
    try:
        row = services.invite_again(person, _person(request), timezone.now())
    except LookupError as error:
        messages.error(request, str(error))
        return redirect("people")
    return _invited(request, row)


def _person(request: HttpRequest) -> Any:
    found = reports.person(request.user)
    if found is None:
        raise PermissionDenied
    return found


def _invited(request: HttpRequest, row: Any) -> HttpResponseBase:
    """Say that the mail is on its way, or show the link once where no mail is sent."""
    if services.mail_is_on():
        messages.success(request, f"Invited {row.person}: the link is on its way by mail.")
        return redirect("people")
    where = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    return page_context.render_page(
        request,
        "invited",
        f"Invited {row.person}",
        [],
        [PEOPLE],
        person=row.person,
        link=f"{where}{services.path_of_password_link(row)}",
    )


def _page(
    request: HttpRequest, by: Any, given: dict[str, str], problems: dict[str, str]
) -> HttpResponseBase:
    rows = list(reports.all_people()[:MAX_PEOPLE])
    may_invite = access.holds(request, MAY_INVITE)
    roles = services.roles_for(by) if may_invite else []
    choices = {"role": [(each, each) for each in roles]}
    table = people_table(rows)
    return page_context.render_page(
        request,
        "people",
        PEOPLE.title,
        [table],
        table=table,
        problems=["Nobody is invited yet: see the fields below."] if problems else [],
        fields=[
            FormField(name, label, given[name], problems.get(name, ""), choices.get(name, ()))
            for name, label in TEXTS.items()
        ],
        may_invite=may_invite,
        waiting=[each for each in rows if reports.awaits_password(each)],
        mail_is_on=services.mail_is_on(),
    )


def people_table(rows: "list[Any]") -> Table:
    """Who, with which roles, and when they signed in last; each links to the row in the admin."""
    columns = (
        Column("Person"),
        Column("E-mail"),
        Column("Roles", prose=True),
        Column("Account", badge=True),
        Column("Signed in last"),
    )
    lines = [
        (
            each.get_username(),
            each.email,
            ", ".join(sorted(group.name for group in each.groups.all()))
            or ("everything" if each.is_superuser else ""),
            state_of(each),
            each.last_login,
        )
        for each in rows
    ]
    paths = [f"/admin/security/user/{each.pk}/change/" for each in rows]
    return Table("people", "Who can sign in", columns, lines, paths)


def state_of(person: Any) -> str:
    """Whether somebody can sign in, is invited, or is switched off."""
    if not person.is_active:
        return "off"
    return "active" if person.has_usable_password() or person.last_login else "invited"
