"""The search: every source, only what the person may open, and any text."""

import itertools
import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from aethercrown.search import MAX_QUERY_CHARACTERS, matching, search_sources
from operations.health.models import Component
from operations.scheduling.models import Pool, Task
from revenue.customers.models import Customer
from revenue.pricing.models import PricingPlan
from security.access.models import User
from security.access.roles import OFFICER, ROLES, VIEWER, grants
from security.apikeys.models import ApiKey
from security.rotation.models import ManagedSecret
from tests.dashboards import company

SOURCES = {
    "customers",
    "plans",
    "decisions",
    "tasks",
    "components",
    "managed keys",
    "api keys",
}


@pytest.fixture
def _rows(db) -> None:
    """One row of each source, called gamma."""
    now = timezone.now()
    Customer.objects.create(external_id="c-1", name="Gamma Ltd", currency="USD")
    PricingPlan.objects.create(code="gamma-plan", name="Gamma plan", rank=99)
    Task.objects.create(
        task_id="gamma-1",
        task_type="embed",
        priority=1,
        estimated_duration=1,
        estimate_used=1,
        pool=Pool.objects.get_or_create(name="default")[0],
        chain_weight=0,
        chain_seconds=0,
        created_at=now,
    )
    Component.objects.create(name="gamma api", kind="http", target="https://gamma.example")
    ManagedSecret.objects.create(
        key_id="gamma/token",
        key_type="token",
        rotator="manual",
        interval_days=90,
        due_at=now,
        eligible_at=now,
        created_at=now,
    )
    ApiKey.objects.create(
        name="gamma reader",
        prefix="ac_live_",
        last4="abcd",
        digest="x" * 64,
        scopes=[],
        created_at=now,
    )


def client_of(role: str, *, staff: bool) -> Client:
    user = User.objects.create_user("pat", is_staff=staff)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def found(client: Client, words: str, **more: str) -> str:
    answer = client.get("/search", {"q": words, **more})
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_feature_registered_its_source():
    assert set(search_sources.names()) >= SOURCES


@pytest.mark.usefixtures("_rows")
def test_staff_find_rows_and_open_them_in_the_admin(admin_client):
    page = found(admin_client, "gamma")
    for title in ("Gamma Ltd", "Gamma plan", "gamma-1", "gamma api", "gamma/token", "gamma reader"):
        assert f"<span>{title}" in page
    assert f'href="/admin/revenue/customer/{Customer.objects.get().pk}/change/"' in page


@pytest.mark.usefixtures("_rows")
def test_others_find_only_what_they_may_open():
    page = found(client_of(VIEWER, staff=False), "gamma")
    assert "/admin/" not in page.split('class="found"')[1]
    assert f'href="/dashboards/customers/{Customer.objects.get().external_id}"' in page
    assert "gamma reader" not in page


@pytest.mark.parametrize(("role", "is_found"), [(OFFICER, True), (VIEWER, False)])
@pytest.mark.usefixtures("_rows")
def test_api_keys_are_found_by_those_who_may_open_them(role, is_found):
    page = found(client_of(role, staff=True), "gamma")
    assert ("/admin/security/apikey/" in page) is is_found
    assert ("gamma reader" in page) is is_found


@pytest.mark.usefixtures("_rows")
def test_whatever_anybody_finds_opens_for_them_and_nothing_else_is_named():
    """Every role, inside the staff and outside it; two of them open all that they find."""
    group = re.compile(r'<li><a href="([^"]+)"><span>([^<]+)')
    opening = {(VIEWER, False), (OFFICER, True)}
    client, named = Client(), dict[tuple[str, bool], set[str]]()
    for role, staff in itertools.product(ROLES, (True, False)):
        user = User.objects.create_user(f"{role}-{staff}", is_staff=staff)
        user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        hits = group.findall(found(client, "gamma", part="list"))
        named[role, staff] = {title[:9] for _, title in hits}
        if (role, staff) in opening:
            refused = [path for path, _ in hits if client.get(path).status_code != 200]
            assert refused == []
    keys = {who for who, titles in named.items() if "gamma rea" in titles}
    assert keys == {(role, True) for role in ROLES if grants(role, "security", "view_apikey")}
    assert all("Gamma Ltd" in titles for titles in named.values())


@pytest.mark.django_db
def test_decisions_are_found_by_title_and_subject():
    company.with_plans(weeks=30)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    assert "/admin/operations/decision/" in found(client, "divide")


def test_pages_and_lists_are_found_by_their_titles(admin_client):
    page = found(admin_client, "price book").split('class="found"')[1]
    assert 'href="/admin/revenue/pricebookversion/"' in page
    assert "Revenue, Plans &amp; prices" in page


def test_none_is_said(admin_client):
    assert "None: nothing that you may open contains “no such thing”." in found(
        admin_client, "no such thing"
    )


@pytest.mark.parametrize("words", ["", "   "])
def test_an_empty_search_says_what_to_enter(admin_client, words):
    assert "Enter a name" in found(admin_client, words)


@pytest.mark.parametrize("sign", ["x", "%", "_", "\\", "'", "\N{SNOWMAN}", "<b>", "\U0001f600"])
def test_ten_thousand_characters_are_answered(admin_client, sign):
    page = found(admin_client, sign * 10_000)
    assert "None" in page
    assert f"Only the first {MAX_QUERY_CHARACTERS} characters were searched." in page
    assert "<b><b>" not in page


def test_the_signs_of_a_pattern_are_plain_letters(admin_client):
    Customer.objects.create(external_id="c-1", name="Full 100% Ltd", currency="USD")
    Customer.objects.create(external_id="c-2", name="Full 1000 Ltd", currency="USD")
    page = found(admin_client, "100%")
    assert "Full 100% Ltd" in page
    assert "Full 1000 Ltd" not in page


def test_more_than_six_are_cut_and_lead_to_the_list(admin_client):
    Customer.objects.bulk_create(
        Customer(external_id=f"c-{number}", name=f"Gamma {number}", currency="USD")
        for number in range(9)
    )
    page = found(admin_client, "gamma")
    assert "The first 6 are shown." in page
    assert 'href="/admin/revenue/customer/?q=gamma"' in page
    assert admin_client.get("/admin/revenue/customer/?q=gamma").status_code == 200
    outside = found(client_of(VIEWER, staff=False), "gamma")
    assert "The first 6 are shown." in outside
    assert "?q=gamma" not in outside


@pytest.mark.django_db
def test_rows_that_begin_with_the_words_come_first():
    for number, name in enumerate(("The gamma", "Gamma", "Alpha gamma", "Beta")):
        Customer.objects.create(external_id=f"c-{number}", name=name, currency="USD")
    rows = matching(Customer.objects.all(), ("name",), "gamma", 5)
    assert [str(each) for each in rows] == ["Gamma", "The gamma", "Alpha gamma"]
    assert [str(each) for each in matching(Customer.objects.all(), ("name",), "gamma", 1)] == [
        "Gamma"
    ]


def test_the_list_alone_has_no_frame(admin_client):
    part = found(admin_client, "audit", part="list")
    assert part.strip().startswith('<div class="found">')
    assert "<nav" not in part


def test_a_stranger_signs_in_first(client, db):
    answer = client.get("/search?q=gamma")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login?next=/search")


@pytest.mark.django_db
def test_a_person_without_a_role_may_not_search():
    client = Client()
    client.force_login(User.objects.create_user("nobody"))
    assert client.get("/search?q=overview").status_code == 403


def test_a_search_costs_few_queries(admin_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        found(admin_client, "no such thing")


def test_the_search_of_the_admins_theme_leads_to_this_one(client, db):
    answer = client.get("/admin/search/", {"s": "a & b"})
    assert (answer.status_code, answer["Location"]) == (302, "/search?q=a+%26+b")
