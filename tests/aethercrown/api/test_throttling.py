"""How often one may call."""

import os
import socket
import time

import pytest
import redis
from django.db import OperationalError, connection
from django.db.models import F
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.api import throttling
from aethercrown.api.throttling import LocalBuckets, Rate, SharedBuckets, TokenRequest
from aethercrown.models import RateLimitBucket
from security.apikeys.models import ApiKey
from tests.callers import Caller

wire = [pytest.mark.urls("tests.aethercrown.odd_urls"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _patient(settings):
    """A broker on a busy machine is waited for: these tests are about who is let in."""
    settings.REDIS_URL += "?socket_timeout=10&socket_connect_timeout=10"


def own(tokens, *calls, cost=1):
    """Waits of one bucket at those times."""
    return [tokens.acquire([TokenRequest("a", RATE, cost)], now) for now in calls]


RATE = Rate(3, 0.5)


def test_a_bucket_gives_its_burst_and_then_one_token_a_period():
    buckets = LocalBuckets()
    assert own(buckets, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0) == [0, 0, 0, 2.0, 1.0, 0]
    assert buckets.acquire([TokenRequest("b", RATE)], 0.0) == 0


@given(st.lists(st.floats(0, 5), max_size=60))
def test_nobody_gets_more_than_the_burst_and_the_rate(pauses):
    buckets, now, given_out = LocalBuckets(), 0.0, 0
    for pause in pauses:
        now += pause
        given_out += not buckets.acquire([TokenRequest("a", Rate(5, 2.0))], now)
    assert given_out <= 5 + 2.0 * now + 1e-6


def test_a_look_takes_nothing():
    buckets = LocalBuckets()
    assert own(buckets, 0.0, 0.0, 0.0, 0.0, cost=0) == [0, 0, 0, 0]
    own(buckets, 0.0, 0.0, 0.0)
    assert own(buckets, 0.0, cost=0) == [2.0]


def test_a_clock_that_goes_back_takes_nothing_away():
    buckets = LocalBuckets()
    assert own(buckets, 100.0, 50.0) == [0, 0]


def test_only_the_latest_callers_are_remembered(monkeypatch):
    monkeypatch.setattr(throttling, "MAX_LOCAL_BUCKETS", 2)
    buckets = LocalBuckets()
    for name in "abac":
        buckets.acquire([TokenRequest(name, RATE)], 0.0)
    assert list(buckets.stored) == ["a", "c"]


@pytest.mark.parametrize("broker", [True, False])
def test_several_buckets_give_together_or_not_at_all(settings, broker):
    settings.REDIS_URL = settings.REDIS_URL if broker else ""
    alone = SharedBuckets()
    wide, narrow = TokenRequest("wide", Rate(3, 0.01)), TokenRequest("narrow", Rate(1, 0.1))
    assert alone.acquire_then([wide, narrow], None)[0] == 0
    assert alone.acquire_then([wide, narrow], None)[0] == 10
    assert alone.acquire_then([wide._replace(cost=2)], None)[0] == 0  # the refused call took none
    assert alone.acquire_then([wide], None)[0] > 0


def test_the_shared_bucket_does_as_the_own_one(settings, valkey_url):
    settings.API_BURST, settings.API_RATE_PER_SECOND = 2, 0.01
    first, second = SharedBuckets(), SharedBuckets()  # two web processes
    assert [first.acquire("shared"), second.acquire("shared"), first.acquire("shared", cost=0)] == [
        0,
        0,
        100,
    ]
    assert not first.own.stored


def test_the_script_is_sent_again_to_a_broker_that_lost_it(valkey):
    shared = SharedBuckets()
    assert shared.acquire("lost", rate=RATE) == 0
    valkey.script_flush()
    assert [shared.acquire("lost", rate=RATE) for _ in range(3)] == [0, 0, 2]
    assert not shared.own.stored


@pytest.mark.parametrize("rate", [1e-12, 1e-300, 5e-324])
@pytest.mark.parametrize("broker", [True, False])
def test_the_lowest_rate_still_counts_and_waits_a_month_at_most(settings, broker, rate):
    settings.REDIS_URL = settings.REDIS_URL if broker else ""
    shared = SharedBuckets()
    waits = [shared.acquire(f"low {rate}", rate=Rate(2, rate)) for _ in range(3)]
    assert waits == [0, 0, throttling.BUCKET_RETENTION_SECONDS]
    assert bool(shared.own.stored) is not broker


def test_a_bucket_in_the_broker_outlives_its_refill_by_a_second(valkey):
    SharedBuckets().acquire("short", rate=Rate(10, 100.0))
    assert 0 < valkey.pttl(f"{os.environ['CACHE_PREFIX']}:bucket:short") <= 1011


def test_many_at_once_get_exactly_the_burst(settings, at_once):
    settings.API_BURST, settings.API_RATE_PER_SECOND = 5, 0.001
    shared = SharedBuckets()
    waits = at_once(lambda: shared.acquire("rush"), 16)
    assert waits.count(0) == 5
    assert not shared.own.stored


def test_without_a_broker_the_process_counts_by_itself(settings):
    settings.API_BURST, settings.API_RATE_PER_SECOND, settings.REDIS_URL = 1, 0.01, ""
    alone = SharedBuckets()
    assert [alone.acquire("a"), alone.acquire("a")] == [0, 100]


@pytest.mark.django_db
def test_without_a_broker_a_row_counts_for_every_process_in_one_upsert(
    settings, django_assert_num_queries
):
    settings.API_BURST, settings.API_RATE_PER_SECOND, settings.REDIS_URL = 2, 0.01, ""
    processes = [SharedBuckets(), SharedBuckets(), SharedBuckets()]
    with django_assert_num_queries(4):
        waits = [each.acquire("key:1", in_rows=True) for each in processes]
        assert processes[0].acquire("key:2", in_rows=True) == 0
    assert waits == [0, 0, 100]
    assert not any(each.own.stored for each in processes)


@pytest.mark.django_db
def test_a_row_gains_tokens_with_the_databases_time_and_never_above_its_burst(settings):
    settings.REDIS_URL = ""
    take, rate = TokenRequest("key:1", Rate(2, 0.1)), 0.1
    assert [throttling.take_from_row(take) for _ in range(2)] == [0, 0]
    assert throttling.take_from_row(take) == pytest.approx(10, abs=0.5)
    RateLimitBucket.objects.update(counted_at=F("counted_at") - 10)
    assert throttling.take_from_row(take) == 0
    RateLimitBucket.objects.update(counted_at=F("counted_at") - 1e6)
    assert [throttling.take_from_row(take) for _ in range(2)] == [0, 0]
    assert throttling.take_from_row(take) == pytest.approx(1 / rate, abs=0.5)


@pytest.mark.django_db
def test_a_row_that_nobody_uses_is_forgotten_after_a_month():
    for name in ("old", "young"):
        throttling.take_from_row(TokenRequest(name, RATE))
    RateLimitBucket.objects.filter(name="old").update(
        counted_at=F("counted_at") - throttling.BUCKET_RETENTION_SECONDS
    )
    assert throttling.purge() == 1
    assert str(RateLimitBucket.objects.get()) == "young"


@pytest.mark.django_db(transaction=True)
def test_rows_too_give_many_at_once_exactly_the_burst(settings, at_once):
    settings.API_BURST, settings.API_RATE_PER_SECOND, settings.REDIS_URL = 5, 0.001, ""
    alone = SharedBuckets()
    assert at_once(lambda: alone.acquire("rush", in_rows=True), 12).count(0) == 5


def out_of_order(*_):
    raise OperationalError("the database is gone")


@pytest.mark.django_db
def test_without_broker_and_rows_the_process_counts_by_itself(settings):
    settings.API_BURST, settings.API_RATE_PER_SECOND, settings.REDIS_URL = 1, 0.01, ""
    alone = SharedBuckets()
    with connection.execute_wrapper(out_of_order):
        assert [alone.acquire("a", in_rows=True), alone.acquire("a", in_rows=True)] == [0, 100]


def test_a_broker_that_is_down_refuses_nobody_and_is_left_alone_for_a_while(settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        settings.REDIS_URL = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        alone = SharedBuckets()
        assert alone.acquire("a") == 0
    assert alone.paused_until > 0
    assert alone.acquire("a") == 0
    assert alone.own.stored


def test_a_broker_that_does_not_answer_is_asked_once_and_soon_given_up(settings):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        alone, began = SharedBuckets(), time.monotonic()
        assert alone.acquire("a") == 0
    assert time.monotonic() - began < 3 * throttling.BROKER_TIMEOUT_SECONDS
    assert alone.own.stored


@pytest.mark.parametrize(
    ("forwarded", "peer", "proxies", "expected"),
    [
        ("", "10.0.0.1", 0, "10.0.0.1"),
        ("6.6.6.6", "10.0.0.1", 0, "10.0.0.1"),
        ("6.6.6.6, 1.2.3.4", "10.0.0.1", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.0.0.9", "10.0.0.1", 2, "1.2.3.4"),
        ("1.2.3.4", "10.0.0.1", 2, "10.0.0.1"),
        ("nonsense", "10.0.0.1", 1, "unknown"),
        ("6.6.6.6, 1.2.3.4:50123", "10.0.0.1", 1, "1.2.3.4"),
        ("[2001:db8:1:2:3:4:5:6]:443", "10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]", "10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3:4:5:6", "10.0.0.1", 1, "2001:db8:1:2::/64"),
        ("1.2.3.4:port", "10.0.0.1", 1, "unknown"),
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

    def test_an_address_has_a_bucket_of_its_own_whatever_keys_it_shows(self, settings, make_caller):
        settings.API_BURST, settings.API_RATE_PER_SECOND = 1, 0.1
        settings.API_ADDRESS_BURST, settings.API_ADDRESS_RATE_PER_SECOND = 3, 0.1
        codes = [make_caller().get("/api/v1/replies").status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]

    def test_an_address_may_always_call_as_often_as_one_key(self, settings, caller):
        settings.API_BURST, settings.API_ADDRESS_BURST = 5, 1
        codes = [caller.get("/api/v1/replies").status_code for _ in range(5)]
        assert codes == [200] * 5

    def test_a_known_key_costs_one_call_of_the_broker_for_both_buckets(self, caller, valkey_url):
        caller.get("/api/v1/replies")
        with redis.Redis.from_url(valkey_url) as client, client.monitor() as monitor:
            assert caller.get("/api/v1/replies").status_code == 200
            client.echo("the call is over")
            scripts = 0
            own = client.connection_pool.connection_kwargs["db"]  # other workers have others
            while "the call is over" not in (seen := monitor.next_command())["command"]:
                scripts += seen["db"] == own and seen["command"].startswith("EVALSHA")
        assert scripts == 1

    def test_a_key_refused_by_its_address_keeps_its_own_tokens(self, settings, caller):
        settings.API_BURST, settings.API_RATE_PER_SECOND = 3, 0.001
        settings.API_ADDRESS_BURST, settings.API_ADDRESS_RATE_PER_SECOND = 3, 0.001
        elsewhere = {"REMOTE_ADDR": "10.9.8.7"}
        assert caller.get("/api/v1/replies").status_code == 200  # 2 tokens left
        stranger = Caller()
        for _ in range(3):
            stranger.get("/api/v1/replies")
        assert caller.get("/api/v1/replies").status_code == 429  # for its address
        codes = [caller.get("/api/v1/replies", **elsewhere).status_code for _ in range(3)]
        assert codes == [200, 200, 429]

    def test_a_key_whose_rate_was_changed_is_counted_by_the_new_one(self, settings, caller):
        settings.API_BURST, settings.API_RATE_PER_SECOND = 100, 0.001
        assert [caller.get("/api/v1/replies").status_code for _ in range(2)] == [200, 200]
        ApiKey.objects.update(burst=1, rate_per_second=0.001)
        codes = [caller.get("/api/v1/replies").status_code for _ in range(3)]
        assert codes == [200, 429, 429]

    def test_nobody_takes_a_keys_tokens_from_an_address_where_it_may_not_be_used(
        self, settings, caller
    ):
        settings.API_BURST, settings.API_RATE_PER_SECOND = 4, 0.001
        ApiKey.objects.update(allowed_networks="127.0.0.1/32")
        thief = {"REMOTE_ADDR": "10.9.8.7"}
        assert caller.get("/api/v1/replies").status_code == 200
        codes = [caller.get("/api/v1/replies", **thief).status_code for _ in range(4)]
        assert codes == [403] * 4
        codes = [caller.get("/api/v1/replies").status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]

    def test_a_known_key_that_is_revoked_is_refused_at_once(self, caller):
        assert caller.get("/api/v1/replies").status_code == 200
        ApiKey.objects.update(revoked_at=timezone.now())
        assert caller.get("/api/v1/replies").status_code == 401


@pytest.mark.parametrize("known", [True, False])
def test_many_at_once_through_both_buckets_get_exactly_the_burst(settings, at_once, known):
    shared, address = SharedBuckets(), TokenRequest("address", Rate(20, 0.001))
    key = TokenRequest("key", Rate(5, 0.001))

    def call():
        if known:
            return shared.acquire_then([address], key)
        return shared.acquire_then([address], None)[0], shared.acquire("key", rate=key.rate)

    waits = at_once(call, 16)
    assert [wait for wait, _ in waits] == [0] * 16
    assert [wait for _, wait in waits].count(0) == 5
    assert [shared.acquire_then([address], None)[0] > 0 for _ in range(5)] == [False] * 4 + [True]


def test_only_the_latest_callers_are_known_by_their_headers(settings, monkeypatch):
    monkeypatch.setattr(throttling, "MAX_KNOWN_CALLERS", 2)
    callers = throttling.RecentCallers()
    prints = [callers.fingerprint(RequestFactory().get("/", HTTP_X_API_KEY=each)) for each in "abc"]
    assert len(set(prints)) == 3
    for number, each in enumerate(prints):
        callers.note(each, TokenRequest(f"key:{number}", RATE))
    assert [callers.find(each) is not None for each in prints] == [False, True, True]
    assert callers.fingerprint(RequestFactory().get("/")) == b""
