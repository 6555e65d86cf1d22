"""A form that was sent after the session had ended is kept, and offered after the sign-in."""

import json
import re
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from aethercrown.db.masked import masked_columns
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
    assert timedelta(minutes=31).seconds < settings.SESSION_COOKIE_AGE  # a browser still sends it
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


def test_another_person_is_not_offered_what_somebody_sent(client, ada, clock):
    clock.shift(timedelta(minutes=31))
    client.post(PAGE, GIVEN)
    other = User.objects.create_user("eve")
    other.groups.add(Group.objects.get(name=OPERATOR))
    client.force_login(other)
    assert "Not saved yet" not in client.get(PAGE).content.decode()
    client.force_login(ada)  # nor is it offered to its person after another
    assert "Not saved yet" not in client.get(PAGE).content.decode()


def test_nothing_is_kept_where_nobody_was_signed_in(client, ada, settings):
    """Else strangers could fill the table of sessions, and whoever signs in next be offered it."""
    Session.objects.all().delete()  # as by "sign out everywhere"
    assert client.post(PAGE, GIVEN).headers["Location"] == f"/login?next={PAGE}"
    stranger = Client()
    stranger.cookies[settings.SESSION_COOKIE_NAME] = "made-up"
    stranger.post(PAGE, GIVEN)
    assert not Session.objects.exists()


def test_no_secret_of_a_form_is_stored_and_nothing_is_sent_without_it(client, ada, clock):
    ada.is_superuser = ada.is_staff = True
    ada.save()
    hook, phrase = "https://hooks.example/services/canary", {"url": "canary"}
    forms = {
        "/admin/operations/destination/add/": {"name": "a", "address": hook},
        "/admin/operations/component/add/": {"name": "a", "target": f"{hook}?k=v"},
        "/admin/security/managedsecret/add/": {"key_id": "a", "config": json.dumps(phrase)},
        "/admin/security/managedsecret/1/rotate_now/": {"value": "canary"},
        "/admin/auth/user/1/password/": {"password1": "canary"},
    }
    clock.shift(timedelta(minutes=31))
    for path, given in forms.items():
        client.post(path, given)
        [row] = Session.objects.all()
        assert "canary" not in f"{row.get_decoded()}"
        client.force_login(ada)
        clock.shift(timedelta(minutes=31))
    client.post("/admin/operations/destination/add/", forms["/admin/operations/destination/add/"])
    client.force_login(ada)
    offered = client.get("/admin/operations/destination/add/").content.decode()
    assert "It held a password or another secret" in offered
    assert "Send it now" not in offered


def test_each_column_with_secrets_is_one_that_no_kept_form_stores():
    for model in apps.get_models():
        for each in filter(lambda column: column.editable, masked_columns(model)):
            assert kept_forms.is_secret(each.name, "https://hooks.example/canary"), each


def test_what_asks_for_a_fresh_sign_in_keeps_the_form_too(client, ada, clock):
    ada.is_superuser = ada.is_staff = True
    ada.save()
    clock.shift(timedelta(minutes=6))
    people = "/dashboards/people"
    asked = client.post(people, {"username": "walt", "email": "w@firm.example", "role": "viewer"})
    assert asked.headers["Location"].startswith("/account/reauthenticate")
    assert "Not saved yet" in client.get(people).content.decode()


def test_what_is_a_secret_and_what_is_none():
    for name, value in (
        *(("password1", "b"), ("value", "c"), ("form-0-value", "c"), ("api_token", "c")),
        *(("config", '{"a": 1}'), ("address", "https://a.example/b"), ("target", "https://a?b")),
    ):
        assert kept_forms.is_secret(name, value), name
    for name, value in (("value", ""), ("address", "ops@firm.example"), ("target", "db1:5432")):
        assert not kept_forms.is_secret(name, value), name


def test_files_strangers_and_heaps_are_not_kept(rf):
    def request(fields, *, person: int | None = 1, **files):
        made = rf.post("/admin/x/", {**fields, **files})
        made.session, made.user = {}, User(pk=person)
        return made

    assert kept_forms.keep(request({"a": "b"}))
    assert not kept_forms.keep(request({}))
    assert not kept_forms.keep(request({"a": "b"}, person=None))
    assert not kept_forms.keep(request({"a": "b"}, file=SimpleUploadedFile("a.csv", b"1")))
    assert not kept_forms.keep(request({"a": "b" * kept_forms.MAX_CHARACTERS}))
    read = rf.get("/admin/x/")
    read.user = User(pk=1)
    assert not kept_forms.keep(read)


def test_signing_in_at_the_admin_is_not_taken_for_a_form(ada, client, clock):
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    clock.shift(timedelta(minutes=31))
    given = {"username": "ada", "password": "a-long-password-1"}
    assert client.post("/admin/login/", given).headers["Location"] == "/admin/"


def test_a_post_without_the_token_of_the_form_is_refused_and_not_kept(ada, settings):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    assert browser.post(PAGE, GIVEN).status_code == 403
