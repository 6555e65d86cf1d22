"""The admin: its first page, its navigation, and every screen of every model."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from aethercrown.formatting import MISSING
from marketing.models import Channel
from security.access.models import User
from security.access.roles import OPERATOR, VIEWER
from tests.dashboards import company


@pytest.fixture
def staff(db) -> Client:
    """A browser in which a superuser is signed in, over a company with plans and runs."""
    company.with_plans(weeks=30)
    person = User.objects.create_superuser("root", password="a-long-password-1")  # noqa: S106
    client = Client()
    client.force_login(person)
    return client


def admin_path(model: type[Any], screen: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{screen}", args=args)


def registered() -> list[type[Any]]:
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.mark.parametrize("model", registered(), ids=lambda model: model._meta.label)
def test_every_list_search_and_form_opens(staff, model):
    assert staff.get(admin_path(model, "changelist")).status_code == 200
    found = staff.get(admin_path(model, "changelist"), {"q": "\N{SNOWMAN}'\"%"})
    assert found.status_code == 200
    assert staff.get(admin_path(model, "add")).status_code in {200, 403}
    row = model._default_manager.first()
    if row is not None:
        assert staff.get(admin_path(model, "change", row.pk)).status_code == 200
        assert staff.get(admin_path(model, "history", row.pk)).status_code == 200


def test_the_first_page_lists_every_screen_by_job(staff):
    page = staff.get("/admin/").content.decode()
    for model in registered():
        assert f'href="{admin_path(model, "changelist")}"' in page


def test_the_name_of_a_row_keeps_its_case_above_its_page(staff):
    row = Channel.objects.create(name="acme-1", currency="USD")
    text = staff.get(admin_path(Channel, "change", row.pk)).content.decode()
    assert "acme-1" in text
    assert "Acme-1" not in text
    assert "Channels" in text


def test_staff_who_may_not_decide_see_open_instead_of_decide(staff):
    operator = User.objects.create_user("op", is_staff=True)
    operator.groups.add(Group.objects.get(name=OPERATOR))
    staff.force_login(operator)
    for path in ("/", "/dashboards/budget"):
        text = staff.get(path).content.decode()
        assert ">Decide" not in text
        assert "/dashboards/decisions/" in text


def test_the_first_page_costs_few_queries(staff, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        staff.get("/admin/")


def test_staff_without_a_role_see_no_list(db):
    client = Client()
    client.force_login(User.objects.create_user("guest", is_staff=True))
    text = client.get("/admin/").content.decode()
    assert "Nothing to show here" in text
    assert "/admin/marketing/channel/" not in text


def test_a_viewer_on_the_staff_sees_what_may_be_seen(db):
    person = User.objects.create_user("vera", is_staff=True)
    person.groups.add(Group.objects.get(name=VIEWER))
    client = Client()
    client.force_login(person)
    text = client.get("/admin/").content.decode()
    assert admin_path(Channel, "changelist") in text
    assert "/admin/security/apikey/" not in text


def test_an_address_that_names_no_row_is_no_failure(admin_client):
    models = [model._meta for model in admin.site._registry]
    paths = [f"/admin/{each.app_label}/{each.model_name}/none/change/" for each in models]
    admin_client.raise_request_exception = False
    assert not [each for each in paths if admin_client.get(each).status_code >= 500]


def test_a_list_says_of_how_many_only_where_it_is_narrowed(admin_client, settings):
    settings.SECURE_SSL_REDIRECT = False
    Channel.objects.bulk_create(Channel(name=name) for name in ("Search", "Social"))
    channels, tasks = "/admin/marketing/channel/", "/admin/operations/task/"
    pages = {
        path: admin_client.get(path).content.decode().partition('class="count">')[2][:60]
        for path in (channels, f"{channels}?q=Search", tasks, f"{tasks}?q=x")
    }
    assert pages[channels] == pages[tasks] == ""
    assert pages[f"{channels}?q=Search"].startswith("1 of 2 <a")
    assert pages[f"{tasks}?q=x"].startswith("0 <a"), "All tasks are not counted."
    assert admin.site.empty_value_display == MISSING
