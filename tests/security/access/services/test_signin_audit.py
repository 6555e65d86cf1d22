"""Refused sign-ins in the audit: told without what was typed, and never more than it bears."""

import json

import pytest

from security.access.services import signin_audit
from security.audit.models import Event
from tests.security.access import factors

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"


@pytest.fixture(autouse=True)
def _none_left_out(own_buckets):
    signin_audit.omitted.reset()


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create_user("ada", password=PHRASE)


def sign_in(client, name="ada", password="wrong", address="192.0.2.1"):  # noqa: S107 - on purpose
    return client.post("/login", {"username": name, "password": password}, REMOTE_ADDR=address)


def told(event="sign-in refused"):
    rows = Event.objects.filter(stream="access", event=event).order_by("seq")
    return [
        (subject, json.loads(detail)) for subject, detail in rows.values_list("subject", "detail")
    ]


def test_a_wrong_password_is_told_with_whose_name_it_was_and_the_address(client, ada):
    sign_in(client, name=" ADA")
    assert told() == [(f"user {ada.pk}", {"address": "192.0.2.1", "why": "password"})]


def test_of_a_name_that_nobody_has_nothing_typed_is_kept(client, ada):
    sign_in(client, name="my canary phrase", password="other canary")  # noqa: S106 - made up
    assert told() == [(signin_audit.UNKNOWN_NAME, {"address": "192.0.2.1", "why": "password"})]
    assert "canary" not in str(list(Event.objects.values()))


def test_a_name_that_closes_is_told_once_and_tries_at_it_no_more(client, ada):
    for _ in range(9):
        sign_in(client)
        sign_in(client, name="made up")
    assert len(told()) == 10
    closed = [subject for subject, _ in told("sign-in locked")]
    assert sorted(closed) == [signin_audit.UNKNOWN_NAME, f"user {ada.pk}"]


def test_a_wrong_code_is_told_and_not_the_code(client, ada):
    factors.with_app(ada)
    sign_in(client, password=PHRASE)
    client.post("/account/2fa/authenticate/", {"code": "000000"}, REMOTE_ADDR="192.0.2.7")
    assert told() == [(f"user {ada.pk}", {"address": "192.0.2.7", "why": "code"})]
    assert "000000" not in str(Event.objects.values_list("detail", "subject"))


def test_a_check_without_a_request_is_nobody_at_the_door(client, ada):
    assert not client.login(username="ada", password="wrong")  # noqa: S106 - wrong on purpose
    assert told() == []


@pytest.mark.parametrize("known", [True, False])
def test_a_flood_is_cut_off_counted_and_told_once_an_hour(rf, ada, known):
    user, most = (ada, 120) if known else (None, 30)
    request = rf.post("/login", REMOTE_ADDR="192.0.2.1")
    done = [
        signin_audit.record_refusal("sign-in refused", user, request, why="password")
        for _ in range(most + 20)
    ]
    assert sum(done) == most
    assert told("sign-in refusals omitted") == [
        ("sign-in", {"count": 1, "last_address": "192.0.2.1"})
    ]
    assert signin_audit.omitted.reset() == 19


def test_noise_about_nobody_leaves_room_for_what_is_tried_on_people(rf, ada):
    request = rf.post("/login")
    for _ in range(60):
        signin_audit.record_refusal("sign-in refused", None, request)
    assert signin_audit.record_refusal("sign-in refused", ada, request)
