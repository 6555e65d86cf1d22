"""The navigation: every page and admin list has its place, and no link is shown that is refused."""

import html
import re
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, Group
from django.test import Client
from django.urls import get_resolver, resolve
from django.utils import timezone

from aethercrown.demo import SEED, Seeding
from dashboards import access, navigation
from dashboards.navigation import Shell
from operations.demo import services as at_work
from security.access.models import User
from security.access.roles import ADMINISTRATOR, OFFICER, OPERATOR, ROLES, VIEWER
from tests import snapshot
from tests.dashboards import company

CHOICES = [*((role, True) for role in ROLES), (VIEWER, False)]


def person(role: str, *, staff: bool) -> User:
    made: User = User.objects.create_user("pat", is_staff=staff)
    made.groups.add(Group.objects.get(name=role))
    return made


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown_to(rf, user: object, path: str = "/") -> Shell:
    request = rf.get(path)
    request.user = user
    return Shell(request)


def heading(page) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.content.decode(), re.DOTALL)
    return html.unescape(found[1].strip()) if found else ""


def links(shell: Shell) -> dict[str, str]:
    return {link.title: link.path for group in shell.groups for link in group.links}


def test_every_admin_list_belongs_to_exactly_one_job():
    placed = [label for job in navigation.jobs() for label in job.lists]
    registered = sorted(model._meta.label_lower for model in admin.site._registry)
    assert sorted(placed) == registered, "Give it its place in dashboards/navigation.py."


def test_every_page_without_a_number_in_its_address_has_a_place():
    patterns = [str(each.pattern) for each in get_resolver("dashboards.urls").url_patterns]
    pages = {f"/{each}" for each in patterns if "<" not in each}
    placed = set(navigation.pages())
    assert pages - navigation.WITHOUT_A_PLACE == placed


@pytest.mark.parametrize(
    ("place", "role", "staff"), [(at, *each) for at, each in enumerate(CHOICES)]
)
@pytest.mark.django_db
def test_no_link_of_the_navigation_is_refused(rf, place, role, staff):
    """And each page has the name of its entry.

    Each role opens a third of its lists: what it may open is one rule, by permission.
    """
    user = person(role, staff=staff)
    client = browser(user)
    shell = shown_to(rf, user)
    shown = {link.path for group in shell.groups for link in group.links}
    lists = {each.path for _, jobs in shell.directory for job in jobs for each in job.links} - shown
    assert "/" in shown
    opened = [*shown, *sorted(lists)[place % 3 :: 3]]
    pages = {path: client.get(path) for path in opened}
    assert [path for path, page in pages.items() if page.status_code != 200] == []
    assert {title: heading(pages[path]) for title, path in links(shell).items()} == {
        title: title for title in links(shell)
    }
    assert staff == any(path.startswith("/admin/") for path in shown | lists)


@pytest.mark.django_db
def test_each_role_sees_its_own_work(rf):
    seen = {}
    for role in (VIEWER, OFFICER, ADMINISTRATOR):
        User.objects.filter(username="pat").delete()
        seen[role] = set(links(shown_to(rf, person(role, staff=True))))
    assert {"Customers", "Invoices", "Automations"} <= seen[VIEWER]
    assert not {"People", "Audit"} & seen[VIEWER]
    assert {"Keys", "People", "Audit"} <= seen[OFFICER]
    assert seen[ADMINISTRATOR] >= seen[OFFICER] | seen[VIEWER]


@pytest.mark.django_db
def test_a_stranger_and_a_person_without_a_role_see_nothing(rf):
    assert shown_to(rf, AnonymousUser()).groups == ()
    assert shown_to(rf, User.objects.create_user("nobody", is_staff=True)).groups == ()


@pytest.mark.django_db
def test_staff_whose_role_opens_no_page_go_straight_to_the_list(rf):
    user = User.objects.create_user("guest", is_staff=True)
    group = Group.objects.create(name="clerks")
    group.permissions.set(Group.objects.get(name=VIEWER).permissions.filter(codename="view_quote"))
    user.groups.add(group)
    assert links(shown_to(rf, user)) == {"Plans & prices": "/admin/revenue/quote/"}


@pytest.mark.parametrize(
    ("path", "current", "lists"),
    [
        ("/", "Overview", set()),
        ("/dashboards/budget/Search", "Budget", set()),
        ("/admin/marketing/channel/7/change/", "Budget", {"Channels"}),
        ("/admin/revenue/pricebookversion/", "Plans & prices", {"Price book versions"}),
        ("/search", "", set()),
    ],
)
@pytest.mark.django_db
def test_the_current_job_and_list_are_marked(rf, path, current, lists):
    shell = shown_to(rf, person(ADMINISTRATOR, staff=True), path)
    marked = [link.title for group in shell.groups for link in group.links if link.current]
    assert "".join(marked) == current
    assert {link.title for link in shell.lists if link.current} == lists


@pytest.mark.django_db
def test_every_admin_list_is_two_clicks_from_the_first_page():
    company.with_plans(weeks=30)
    client = browser(User.objects.create_superuser("root"))

    def linked(path: str) -> set[str]:
        page = client.get(path).content.decode()
        return set(re.findall(r'href="(/[^"?#]*)"', page))

    first = {path for path in linked("/") if path.startswith(("/dashboards/", "/admin/"))}
    reached = first.union(*map(linked, first))
    lists = {navigation.list_path(label) for job in navigation.jobs() for label in job.lists}
    assert lists <= reached


@pytest.mark.parametrize(("role", "staff"), [(VIEWER, False), (OPERATOR, True)])
@pytest.mark.django_db
def test_no_link_on_a_page_is_refused(role, staff):
    company.with_plans(weeks=30)
    today = timezone.now().date()
    snapshot.loaded(
        f"operations' demo company of {today}",
        lambda: at_work.seed(Seeding(today, np.random.default_rng(SEED))),
    )
    client = browser(person(role, staff=staff))
    found: dict[str, str] = {}
    for path in navigation.pages():
        page = client.get(path).content.decode()
        for address in re.findall(r'<a [^>]*href="(/[^"#]*)"', page):
            found.setdefault(resolve(urlsplit(address).path).view_name, html.unescape(address))
    assert len(found) > 10
    answers = {path: client.get(path, follow=True).status_code for path in found.values()}
    assert {path: status for path, status in answers.items() if status != 200} == {}


@pytest.mark.django_db
def test_a_link_is_judged_by_the_page_that_it_opens(rf):
    request = rf.get("/")
    request.user = person(VIEWER, staff=True)
    assert access.may_open(request, "/dashboards/budget?weeks=13")
    assert access.may_open(request, "/admin/marketing/channel/7/change/")
    assert not access.may_open(request, "/admin/marketing/channel/add/")
    assert not access.may_open(request, "/admin/marketing/channel/7/delete/")
    assert not access.may_open(request, "/admin/security/user/")
    assert not access.may_open(request, "/nothing/here")
    assert access.may_open(request, "/admin/")
    assert not access.may_open(request, "/account/2fa/")  # it checks in its own way
