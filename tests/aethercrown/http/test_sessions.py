"""Sessions end by themselves, and some steps ask for a fresh one."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import RequestFactory

from aethercrown.http import sessions

NINE = "2026-11-22T09:00:00Z"
PAGE = "/dashboards/budget"


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def clock():
    with time_machine.travel(NINE, tick=False) as clock:
        yield clock


@pytest.fixture
def ada(db, clock, client, django_user_model):
    user = django_user_model.objects.create_user("ada")
    user.groups.add(Group.objects.get(name="viewer"))
    client.force_login(user)
    return user


def is_in(client):
    return client.get(PAGE).status_code == 200


def test_after_half_an_hour_without_a_request_one_signs_in_again(client, ada, clock):
    clock.shift(timedelta(minutes=29))
    assert is_in(client)
    clock.shift(timedelta(minutes=29))
    assert is_in(client)
    clock.shift(timedelta(minutes=30))
    assert not is_in(client)


def test_after_twelve_hours_of_work_one_signs_in_again(client, ada, clock):
    for _ in range(35):
        clock.shift(timedelta(minutes=20))
        assert is_in(client)
    clock.shift(timedelta(minutes=20))
    assert not is_in(client)


def test_a_session_of_unknown_age_has_ended(client, ada):
    session = client.session
    del session[sessions.BEGAN]
    session.save()
    assert not is_in(client)


def test_a_page_costs_a_write_once_a_minute(client, ada, clock, django_assert_max_num_queries):
    clock.shift(timedelta(seconds=59))
    client.get(PAGE)
    assert client.session[sessions.SEEN] == client.session[sessions.BEGAN]
    clock.shift(timedelta(seconds=1))
    client.get(PAGE)
    assert client.session[sessions.SEEN] == client.session[sessions.BEGAN] + 60


def test_a_stranger_has_no_session(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/login").status_code == 200
    client.cookies["session"] = "made-up"
    assert client.get("/login").status_code == 200


def test_a_sign_in_is_fresh_for_five_minutes_and_again_once_it_is_proved(rf: RequestFactory):
    request = rf.get("/")
    request.session = {}  # type: ignore[assignment]  # any mapping will do
    assert not sessions.is_fresh(request.session, 10**9)
    with time_machine.travel(NINE, tick=False) as clock:
        sessions.start_session(request)
        now = request.session[sessions.BEGAN]
        assert sessions.is_fresh(request.session, now + 299)
        assert not sessions.is_fresh(request.session, now + 300)
        assert not sessions.is_fresh(request.session, now - 1)
        clock.shift(400)
        sessions.mark_reauthenticated(request.session, now + 400)
        assert sessions.is_fresh(request.session, now + 500)
