"""How often one may call."""

import socket

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from aethercrown import throttling
from aethercrown.throttling import Buckets, OwnBuckets, Rate

wire = [pytest.mark.urls("tests.aethercrown.odd_urls"), pytest.mark.django_db]


def test_a_bucket_gives_its_burst_and_then_one_token_a_period():
    own, rate = OwnBuckets(), Rate(3, 0.5)
    waits = [own.take("a", rate, 1, now=0.0) for _ in range(4)]
    assert waits == [0, 0, 0, 2.0]
    assert own.take("a", rate, 1, now=1.0) == 1.0
    assert own.take("a", rate, 1, now=2.0) == 0
    assert own.take("b", rate, 1, now=0.0) == 0


@given(st.lists(st.floats(0, 5), max_size=60))
def test_nobody_gets_more_than_the_burst_and_the_rate(pauses):
    own, rate, now, given_out = OwnBuckets(), Rate(5, 2.0), 0.0, 0
    for pause in pauses:
        now += pause
        given_out += not own.take("a", rate, 1, now)
    assert given_out <= 5 + 2.0 * now + 1e-6


def test_a_look_takes_nothing():
    own, rate = OwnBuckets(), Rate(1, 1.0)
    assert [own.take("a", rate, 0, 0.0) for _ in range(3)] == [0, 0, 0]
    own.take("a", rate, 1, 0.0)
    assert own.take("a", rate, 0, 0.0) == 1.0


def test_a_clock_that_goes_back_takes_nothing_away():
    own, rate = OwnBuckets(), Rate(2, 1.0)
    own.take("a", rate, 1, 100.0)
    assert own.take("a", rate, 1, 50.0) == 0


def test_only_the_latest_callers_are_remembered(monkeypatch):
    monkeypatch.setattr(throttling, "MOST_BUCKETS", 2)
    own, rate = OwnBuckets(), Rate(1, 1.0)
    for name in "abc":
        own.take(name, rate, 1, 0.0)
    assert list(own.kept) == ["b", "c"]


def test_the_shared_bucket_does_as_the_own_one(settings, valkey_url):
    settings.API_BURST, settings.API_RATE_PER_SECOND = 2, 0.01
    first, second = Buckets(), Buckets()  # two web processes
    assert [first.take("shared"), second.take("shared"), first.take("shared", cost=0)] == [
        0,
        0,
        100,
    ]
    assert not first.own.kept


def test_many_at_once_get_exactly_the_burst(settings, at_once):
    settings.API_BURST, settings.API_RATE_PER_SECOND = 5, 0.001
    shared = Buckets()
    waits = at_once(lambda: shared.take("rush"), 16)
    assert waits.count(0) == 5
    assert not shared.own.kept


def test_without_a_broker_the_process_counts_by_itself(settings):
    settings.API_BURST, settings.API_RATE_PER_SECOND, settings.REDIS_URL = 1, 0.01, ""
    alone = Buckets()
    assert [alone.take("a"), alone.take("a")] == [0, 100]


def test_a_broker_that_is_down_refuses_nobody_and_is_left_alone_for_a_while(settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        settings.REDIS_URL = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        alone = Buckets()
        assert alone.take("a") == 0
    assert alone.paused_until > 0
    assert alone.take("a") == 0
    assert alone.own.kept


@pytest.mark.parametrize(
    ("forwarded", "peer", "proxies", "expected"),
    [
        ("", "10.0.0.1", 0, "10.0.0.1"),
        ("6.6.6.6", "10.0.0.1", 0, "10.0.0.1"),
        ("6.6.6.6, 1.2.3.4", "10.0.0.1", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.0.0.9", "10.0.0.1", 2, "1.2.3.4"),
        ("1.2.3.4", "10.0.0.1", 2, "10.0.0.1"),
        ("nonsense", "10.0.0.1", 1, "unknown"),
        ("", "", 0, "unknown"),
        ("", "2001:db8:1:2:3:4:5:6", 0, "2001:db8:1:2::/64"),
        ("", "::ffff:1.2.3.4", 0, "1.2.3.4"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_saw(
    settings, forwarded, peer, proxies, expected
):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert throttling.client_address(request) == expected


class TestOnTheWire:
    pytestmark = wire

    def test_too_many_calls_of_a_key_are_refused_and_told_when_to_come_back(
        self, settings, make_caller
    ):
        settings.API_BURST, settings.API_RATE_PER_SECOND = 2, 0.1
        eager, other = make_caller(), make_caller()
        answers = [eager.get("/api/v1/replies") for _ in range(3)]

        assert [each.status_code for each in answers] == [200, 200, 429]
        assert answers[2]["Retry-After"] == "10"
        assert answers[2].json()["errors"][0]["code"] == "throttled"
        assert other.get("/api/v1/replies").status_code == 200

    def test_a_person_has_a_bucket_too(self, settings, admin_client):
        settings.API_BURST, settings.API_RATE_PER_SECOND = 1, 0.1
        assert admin_client.get("/api/v1/replies").status_code == 200
        assert admin_client.get("/api/v1/replies").status_code == 429

    def test_an_address_that_guesses_is_refused_before_any_look_up(
        self, settings, stranger, caller, django_assert_num_queries
    ):
        settings.API_BURST, settings.API_RATE_PER_SECOND = 2, 0.1
        answers = [stranger.get("/api/v1/replies") for _ in range(2)]
        assert [each.status_code for each in answers] == [401, 401]

        with django_assert_num_queries(0):
            answer = caller.get("/api/v1/replies")
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) <= 10
        elsewhere = caller.get("/api/v1/replies", REMOTE_ADDR="10.9.8.7")
        assert elsewhere.status_code == 200
