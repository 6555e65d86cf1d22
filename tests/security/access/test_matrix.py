"""Role x screen x object: what each role can do in the admin and on the pages, all of it."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from security.access import roles
from security.access.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NOBODY = "nobody"  # staff, and without any role
STEPS = ("view", "add", "change", "delete")
SCREENS = sorted(admin.site._registry.items(), key=lambda each: each[0]._meta.label)
# What a role without the permission to change may do with marked rows: take out what it sees.
HARMLESS = re.compile(r"export|download_data")


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


def staff(role: str) -> User:
    user = User.objects.create_user(role.replace(" ", "-"), is_staff=True)
    if role != NOBODY:
        user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


def asking(user: User) -> Any:
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


def granted(role: str, model: Any, step: str) -> bool:
    options = model._meta
    name = f"{step}_{options.model_name}"
    return role != NOBODY and roles.grants(role, options.app_label, name)


def may(screen: Any, request: Any, step: str) -> bool:
    if step == "add":
        return bool(screen.has_add_permission(request))
    return bool(getattr(screen, f"has_{step}_permission")(request))


def test_every_screen_is_in_the_matrix():
    assert len(SCREENS) > 30
    assert User in dict(SCREENS)


@pytest.mark.parametrize("role", [*roles.ROLES, NOBODY])
def test_no_screen_allows_a_role_more_than_its_permissions(role):
    request = asking(staff(role))
    more = [
        f"{model._meta.label}: {step}"
        for model, screen in SCREENS
        for step in STEPS
        if may(screen, request, step)
        and not granted(role, model, step)
        # whoever may change may look, as Django has it
        and not (step == "view" and granted(role, model, "change"))
    ]
    assert more == []


@pytest.mark.parametrize("role", [*roles.ROLES, NOBODY])
def test_a_screen_that_a_role_may_not_see_is_refused_by_its_address(role):
    user = staff(role)
    client, request = Client(raise_request_exception=False), asking(user)
    client.force_login(user)
    wrong = []
    for model, screen in SCREENS:
        start = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for step, address in (("view", f"{start}_changelist"), ("add", f"{start}_add")):
            if not may(screen, request, step):
                answer = client.get(reverse(address))
                wrong += [address] * (answer.status_code != 403)
    assert wrong == []


@pytest.mark.parametrize("role", [roles.VIEWER, roles.APPROVER, NOBODY])
def test_who_may_not_change_rows_has_no_action_on_them(role):
    request = asking(staff(role))
    offered = {
        f"{model._meta.label}: {name}"
        for model, screen in SCREENS
        for name in screen.get_actions(request)
        if not HARMLESS.search(name)
    }
    expected = DECIDING if role == roles.APPROVER else set()
    assert offered == expected


# An approver decides, and that alone.
DECIDING = {
    *(
        "marketing.BudgetPlan: approve",
        "marketing.BudgetPlan: reject",
        "marketing.BudgetPlan: roll_back",
    ),
    *("operations.Decision: approve_selected", "operations.Decision: reject_selected"),
    *("operations.Decision: roll_back_selected",),
    *("revenue.PriceBookVersion: publish", "revenue.PriceBookVersion: retire"),
}


def pages() -> list[str]:
    """Every page that has no part to fill in."""
    return [
        f"/{each.pattern}"
        for each in get_resolver("dashboards.urls").url_patterns
        if "<" not in str(each.pattern)
    ]


NARROW = {  # pages of some roles alone
    "/dashboards/audit": {roles.OFFICER, roles.ADMINISTRATOR},
    "/dashboards/people": {roles.OFFICER, roles.ADMINISTRATOR},
    "/dashboards/budget-amount": {roles.OPERATOR, roles.ADMINISTRATOR},
}


@pytest.mark.parametrize("role", [*roles.ROLES, NOBODY])
def test_the_pages_open_to_their_roles_and_to_nobody_else(role):
    client = Client()
    client.force_login(staff(role))
    opened = {path for path in pages() if client.get(path).status_code == 200}
    wanted = {path for path in pages() if role in NARROW.get(path, roles.ROLES)}
    assert opened == wanted
    assert len(pages()) >= 6
