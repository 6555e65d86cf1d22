import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from operations.health.checks import HealthCheckManager
from operations.health.history.rollups import InvalidPeriod
from operations.health.models import Check, Component
from operations.health.registry import HealthCheck, health_check_registry
from operations.health.services import record
from security.apikeys import services as keys
from tests.aethercrown.registries import isolated
from tests.callers import Caller
from tests.operations.health.conftest import BAD, GOOD, broken

CHECK, TRENDS = "/api/v1/operational/health/check", "/api/v1/operational/health/trends"


@pytest.fixture
def caller(transactional_db):
    return Caller(keys.create("monitor", ["operational:read"]).plaintext)


def test_a_check_is_done_and_stored(caller):
    reply = caller.get(CHECK)
    assert reply.status_code == 200
    report = reply.json()["data"]["report"]
    assert report["overall_status"] == "healthy"
    assert set(report["components"]) == {"cache", "database"}
    assert report["components"]["cache"]["response_time_ms"] >= 0
    assert Check.objects.count() == 2
    assert caller.get(CHECK).json()["data"]["report"]["checked_at"] == report["checked_at"]
    assert Check.objects.count() == 2


def test_a_failing_component_is_part_of_a_good_answer(caller, checks):
    with isolated(
        health_check_registry, [checks["database"], HealthCheck("cache", "Cache", broken)]
    ):
        reply = caller.get(CHECK)
    assert reply.status_code == 200
    assert reply.json()["data"]["report"]["components"]["cache"] | {"checked_at": 0} == {
        "status": "unhealthy",
        "state": "unknown",
        "response_time_ms": None,
        "error": "It failed with ZeroDivisionError.",
        "checked_at": 0,
        "since": None,
    }


def test_a_key_without_the_scope_and_a_stranger_are_turned_away(transactional_db):
    other = Caller(keys.create("shop", ["revenue:read"]).plaintext)
    assert other.get(CHECK).status_code == 403
    assert Caller().get(TRENDS).status_code == 401


def test_trends_come_from_rows(caller):
    shop = Component.objects.create(name="shop", target="https://shop.example.com/?token=abc")
    began = timezone.now() - timedelta(minutes=100)
    for place, seen in enumerate([GOOD, BAD, BAD, BAD, GOOD, GOOD]):
        record.record_all({shop.pk: seen}, began + place * timedelta(minutes=20))
    reply = caller.get(f"{TRENDS}?period=7d")
    trends = reply.json()["data"]["trends"]
    assert trends["total_checks"] == 6
    assert trends["availability_percent"] == pytest.approx(40, abs=0.1)
    assert trends["trends"]["shop"]["last_status"] == "healthy"
    assert trends["trends"]["shop"]["p95_ms"] == 5.0
    (incident,) = trends["recent_incidents"]
    assert incident["component"] == "shop"
    assert incident["duration_seconds"] == 3600
    assert b"abc" not in reply.content


@pytest.mark.parametrize("path", [f"{TRENDS}?priod=7d", f"{CHECK}?force=1"])
def test_an_unknown_query_name_is_refused(caller, path):
    [error] = caller.get(path).json()["errors"]
    assert error["code"] == "unknown"
    assert not Check.objects.exists()


def test_a_day_is_the_usual_period_and_no_checks_give_null(caller):
    Component.objects.create(name="shop", target="https://shop.example.com/")
    trends = caller.get(TRENDS).json()["data"]["trends"]
    assert trends["availability_percent"] is None
    assert trends["trends"]["shop"]["p50_ms"] is None


@pytest.mark.parametrize("period", ["", "7", "1y", "731d", "-1h", "24h%00"])
def test_a_period_that_is_none_is_refused(caller, period):
    reply = caller.get(f"{TRENDS}?period={period}")
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["field"] in {"period", ""}


def test_the_documented_class_answers_from_python(transactional_db):
    manager = HealthCheckManager()
    report = asyncio.run(manager.perform_all_checks())
    assert report["summary"]["total_components"] == 2
    assert manager.get_health_trends()["total_checks"] == 2
    with pytest.raises(InvalidPeriod):
        manager.get_health_trends("soon")


COMPONENTS = "/api/v1/operational/health/components"
SHOP = {"name": "shop", "target": "https://shop.example.com/?token=abc", "slow_ms": 300}


@pytest.fixture
def writer(db):
    return Caller(keys.create("monitor", ["operational:write"]).plaintext)


def test_a_target_is_added_once_and_its_query_is_not_shown(writer):
    first, again = writer.send(COMPONENTS, SHOP), writer.send(COMPONENTS, SHOP)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["data"] == again.json()["data"]
    assert first.json()["data"]["component"]["target"] == "https://shop.example.com/?***"
    stored = Component.objects.get()
    assert (stored.target, stored.slow_ms, stored.kind) == (SHOP["target"], 300, "http")
    other = writer.send(COMPONENTS, SHOP | {"slow_ms": 400})
    assert (other.status_code, Component.objects.get().slow_ms) == (409, 300)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"target": "https://user:secret@shop.example.com/"}, "target", "user name or password"),
        ({"target": "file:///etc/passwd"}, "target", "only http or https"),
        ({"target": "http://169.254.169.254/latest/"}, "target", "not a public address"),
        ({"target": "http://[fe80::1]/"}, "target", "not a public address"),
        ({"kind": "tcp", "target": "10.0.0.1:5432"}, "target", "not a public address"),
        ({"kind": "builtin"}, "kind", "must be one of"),
        ({"status_from": 400, "status_to": 300}, "status_to", "must be 400 or more"),
        ({"text": "x" * 201}, "text", "200"),
        ({"networks": "10.0.0.0/8"}, "networks", "is not known here"),
        ({"slow": 5}, "slow", "; the nearest is slow_ms"),
    ],
)
def test_a_target_that_may_not_be_called_is_refused_and_not_stored(writer, change, field, words):
    reply = writer.send(COMPONENTS, SHOP | change)
    assert reply.status_code == 400
    [error] = reply.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]
    assert not Component.objects.exists()


def test_a_builtin_component_is_not_replaced(writer):
    Component.objects.create(name="database", kind="builtin")
    assert writer.send(COMPONENTS, SHOP | {"name": "database"}).status_code == 409
    assert Component.objects.get().target == ""
