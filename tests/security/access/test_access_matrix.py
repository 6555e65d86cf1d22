"""The access matrix: every caller x every call of the URL map, and x every button of the admin.

This form asks the permission classes and the screens themselves; `tests/faults/test_access.py`
sends every request.
"""

import time
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.contrib.sessions.backends.base import SessionBase
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.viewsets import ViewSetMixin

from aethercrown.http import sessions
from operations.jobs.registry import job_kinds
from security.access import roles
from security.apikeys import scopes, services
from tests.security.access import access_rules as rules

pytestmark = [pytest.mark.django_db, pytest.mark.once]
VIEWSETS = {view for _path, view in rules.API_ROUTES if issubclass(view, ViewSetMixin)}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


class FreshSession(SessionBase):
    """A session whose sign-in is fresh at any time."""

    def get(self, key: str, default: Any = None) -> Any:
        return int(time.time()) if key == sessions.PROVED else default


def asking(method: str, user: Any = None, auth: Any = None) -> Request:
    plain = RequestFactory().generic(method, "/")
    plain.session = FreshSession()
    request = Request(plain)
    request.user, request.auth = user or AnonymousUser(), auth
    return request


def allowed(path: str, view: Any, request: Request) -> bool:
    made = view()
    made.request, made.kwargs = request, {"pk": "1"} if "<pk>" in path else {}
    return all(each().has_permission(request, made) for each in view.permission_classes)


@pytest.mark.parametrize("caller", rules.PEOPLE)
def test_a_session_opens_what_the_role_may_do_and_nothing_else(caller):
    user = rules.person(caller)
    wrong = [
        (path, method)
        for path, view in rules.API_ROUTES
        for method in METHODS
        if allowed(path, view, asking(method, user)) != rules.person_may_call(caller, path, method)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", rules.KEY_SCOPES)
def test_a_key_opens_its_scopes_and_nothing_else(name):
    held = rules.KEY_SCOPES[name]
    credential = services.Credential(1, "a client", held)
    wrong = [
        (path, method)
        for path, view in rules.API_ROUTES
        for method in METHODS
        if allowed(path, view, asking(method, None, credential))
        != rules.key_may_call(held, path, method)
    ]
    assert wrong == []


def test_a_stranger_opens_nothing():
    opened = [path for path, view in rules.API_ROUTES if allowed(path, view, asking("GET"))]
    assert opened == []


def test_every_call_has_a_rule_and_every_rule_a_call():
    paths = [path for path, _ in rules.API_ROUTES]
    assert [path for path in paths if rules.call_rule(path) is None] == []
    matched = {rules.call_rule(path) for path in paths}
    unused = {each.path for each in rules.CALLS} - {each.path for each in matched if each}
    assert unused == set()


def test_handing_out_a_scope_takes_the_permissions_of_every_call_that_it_opens():
    for path, view in rules.API_ROUTES:
        area = getattr(view, "area", "")
        writes = any(hasattr(view, method) for method in ("post", "put", "patch", "delete"))
        if area and view.permission_to_read:
            assert view.permission_to_read in scopes.PERMISSIONS[f"{area}:read"], path
        if isinstance(view.scopes, property):
            continue  # a job needs the scope of its own area
        if area and (writes or view in VIEWSETS) and not view.scopes:
            assert view.permission_to_write in scopes.PERMISSIONS[f"{area}:write"], path


def test_every_kind_of_job_is_seen_with_a_permission_that_its_scope_asks_for():
    rows = Permission.objects.select_related("content_type")
    known = {f"{each.content_type.app_label}.{each.codename}" for each in rows}
    for kind in job_kinds:
        assert kind.permission in known, kind.name
        assert kind.permission in scopes.PERMISSIONS[f"{kind.area}:read"], kind.name


# --- The admin ------------------------------------------------------------------------------------
def usable(screen: Any, request: Any) -> set[str]:
    """The names of the actions and buttons that this person has on the screen."""
    found = set(screen.get_actions(request)) - {"delete_selected"}
    for name in (*(screen.actions_list or ()), *(screen.actions_detail or ())):
        asked = getattr(getattr(screen, name), "allowed_permissions", ())
        if all(getattr(screen, f"has_{each}_permission")(request) for each in asked):
            found.add(name)
    return found


def named(screen: Any) -> set[str]:
    return {*(screen.actions or ()), *(screen.actions_list or ()), *(screen.actions_detail or ())}


def expected(label: str, caller: str) -> set[str]:
    listed = {**rules.TRANSFERS, **rules.ACTIONS.get(label, {})}
    return {name for name, callers in listed.items() if caller in callers}


@pytest.mark.parametrize("caller", [rules.NO_ROLE, *roles.ROLES])
def test_a_button_of_the_admin_is_for_its_roles_alone(caller):
    request: Any = RequestFactory().get("/admin/")
    request.user = rules.person(caller)
    wrong = {
        model._meta.label: sorted(found ^ wanted)
        for model, screen in rules.SCREENS
        if (found := usable(screen, request))
        != (wanted := expected(model._meta.label, caller) & named(screen))
    }
    assert wrong == {}


def test_every_button_has_a_rule_and_every_rule_a_button():
    there = {model._meta.label: named(screen) for model, screen in rules.SCREENS}
    listed = {label: set(each) for label, each in rules.ACTIONS.items()}
    without = {label: names - set(rules.TRANSFERS) for label, names in there.items()}
    own = {label: names - set(rules.TRANSFERS) for label, names in listed.items()}
    assert {label: names for label, names in without.items() if names} == {
        label: names for label, names in own.items() if names
    }
