"""Opportunities in the admin: decided by buttons, edited only in who looks after them."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from revenue.upsell.models import OfferTerms
from security.access.models import User
from security.access.roles import OPERATOR, VIEWER
from tests.operations.people import messages_of
from tests.revenue.upsell.conftest import only, sweep

HOME = "/admin/revenue/opportunity/"


def browser(role):
    person = User.objects.create_user(role, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def operator(db):
    return browser(OPERATOR)


@pytest.fixture
def found(grown):
    sweep()
    return only()


def button(client, row, name, **values):
    path = reverse(f"admin:revenue_opportunity_{name}", args=[row.pk])
    return client.post(path, values, follow=True)


def test_the_list_and_the_page_show_what_it_is_worth(operator, found):
    assert "Grown" in operator.get(HOME).content.decode()
    shown = operator.get(f"{HOME}{found.pk}/change/").content.decode()
    assert "Cost of every plan" in shown
    assert f"/dashboards/upsell/{found.pk}" in shown


def test_buttons_take_it_through_its_steps(operator, found, grown):
    assert "is offered" in messages_of(button(operator, found, "offer"))[0]
    path = reverse("admin:revenue_opportunity_accept", args=[found.pk])
    assert 'value="108.90"' in operator.get(path).content.decode()
    button(operator, found, "accept", amount="108.90", outcome="agreed")
    assert (only().state, only().outcome) == ("accepted", "agreed")
    assert grown.subscriptions.get().plan == "professional"
    again = messages_of(button(operator, found, "decline", outcome=""))[0]
    assert "is accepted; it cannot become declined" in again


def test_a_wrong_amount_is_asked_for_again(operator, found):
    shown = button(operator, found, "accept", amount="-1", outcome="")
    assert "greater than or equal to 0" in shown.content.decode()
    assert only().state == "open"


def test_several_are_offered_and_one_withdrawn(operator, found):
    act = {"action": "offer_all", "_selected_action": [found.pk]}
    operator.post(HOME, act)
    assert only().state == "offered"
    button(operator, found, "withdraw", outcome="a partner")
    assert only().state == "withdrawn"


def test_who_looks_after_it_is_edited_and_nothing_else(operator, found):
    path = f"{HOME}{found.pk}/change/"
    operator.post(path, {"owner": "Ada", "notes": "call", "state": "accepted", "gain": "9"})
    assert (only().owner, only().notes, only().state, only().gain) == ("Ada", "call", "open", 77)
    assert operator.get(f"{HOME}add/").status_code == 403
    assert operator.get(f"{HOME}{found.pk}/delete/").status_code == 403


def test_a_viewer_decides_nothing(found):
    client = browser(VIEWER)
    path = reverse("admin:revenue_opportunity_accept", args=[found.pk])
    assert client.post(path, {"amount": "1"}).status_code == 403
    assert only().state == "open"


def test_the_terms_are_one_row(admin_client):
    path = "/admin/revenue/offerterms/add/"
    values = {"rest_days": 10, "valid_days": 5, "offers_per_day": 3, "least_gain": "2"}
    assert admin_client.post(path, values).status_code == 302
    assert OfferTerms.objects.get(pk=1).rest_days == 10
    assert admin_client.get(path).status_code == 403
    assert admin_client.get("/admin/revenue/offerterms/").status_code == 200
