"""A form that was sent after the session had ended is kept, and offered after the sign-in."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from aethercrown.http import kept_forms
from marketing.budget.models import BudgetAmount
from security.access.models import User
from security.access.roles import OPERATOR

PAGE = "/dashboards/budget-amount"
GIVEN = {"amount": "4321", "currency": "USD", "period": "week"}


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-22T09:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def ada(db, clock, client, settings):
    settings.SECURE_SSL_REDIRECT = False
    made = User.objects.create_user("ada", password="a-long-password-1")  # noqa: S106 - made up
    made.groups.add(Group.objects.get(name=OPERATOR))
    client.force_login(made)
    return made


def hidden(answer):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer))


def test_what_was_sent_too_late_is_kept_and_sent_after_the_sign_in(client, ada, clock):
    clock.shift(timedelta(minutes=31))
    late = client.post(PAGE, GIVEN)
    assert late.headers["Location"] == f"/login?next={PAGE}"
    client.force_login(ada)
    offered = client.get(PAGE)
    text = offered.content.decode()
    assert "Not saved yet" in text
    assert "It was kept: 3 fields" in text
    assert "no-store" in offered.headers["Cache-Control"]
    fields = hidden(text)
    del fields["csrfmiddlewaretoken"]
    assert fields == GIVEN
    assert not BudgetAmount.objects.exists()
    client.post(PAGE, fields)
    assert BudgetAmount.objects.get().amount == 4321
    assert "Not saved yet" not in client.get(PAGE).content.decode()


def test_a_late_one_is_not_offered_it(client, ada, clock):
    clock.shift(timedelta(minutes=31))
    client.post(PAGE, GIVEN)
    clock.shift(timedelta(minutes=16))
    client.force_login(ada)
    assert "Not saved yet" not in client.get(PAGE).content.decode()


def test_another_person_is_not_offered_what_somebody_sent(rf):
    class Person:
        pk = 2

    for person, is_offered in (("1", False), ("2", True), ("", True)):
        request = rf.get(PAGE)
        request.user = Person()
        request.session = {kept_forms.KEPT: {"path": PAGE, "person": person, "until": 100}}
        assert (kept_forms.taken(request, now=99) is not None) == is_offered
        assert request.session == {}
        assert kept_forms.taken(request, now=99) is None


def test_what_asks_for_a_fresh_sign_in_keeps_the_form_too(client, ada, clock):
    ada.is_superuser = ada.is_staff = True
    ada.save()
    clock.shift(timedelta(minutes=6))
    people = "/dashboards/people"
    asked = client.post(people, {"username": "walt", "email": "w@firm.example", "role": "viewer"})
    assert asked.headers["Location"].startswith("/account/reauthenticate")
    assert "Not saved yet" in client.get(people).content.decode()


def test_secrets_files_strangers_and_heaps_are_not_kept(rf, db, settings):
    def request(fields, *, cookie=True, **files):
        made = rf.post("/admin/x/", {**fields, **files})
        made.session = {}
        if cookie:
            made.COOKIES[settings.SESSION_COOKIE_NAME] = "x"
        return made

    secret = request({"name": "a", "password1": "b", "value": "c"})
    assert kept_forms.keep(secret)
    assert secret.session[kept_forms.KEPT]["fields"] == [("name", ["a"])]
    assert secret.session[kept_forms.KEPT]["has_secrets"]
    assert not kept_forms.keep(request({"password": "b"}))
    assert not kept_forms.keep(request({"a": "b"}, cookie=False))
    assert not kept_forms.keep(request({"a": "b"}, file=SimpleUploadedFile("a.csv", b"1")))
    assert not kept_forms.keep(request({"a": "b" * kept_forms.MAX_CHARACTERS}))
    assert not kept_forms.keep(rf.get("/admin/x/"))


def test_signing_in_at_the_admin_is_not_taken_for_a_form(ada, client, clock):
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    clock.shift(timedelta(minutes=31))
    given = {"username": "ada", "password": "a-long-password-1"}
    assert client.post("/admin/login/", given).headers["Location"] == "/admin/"


def test_a_post_without_the_token_of_the_form_is_refused_and_not_kept(ada, settings):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    assert browser.post(PAGE, GIVEN).status_code == 403
