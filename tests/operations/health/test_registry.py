import pytest

from aethercrown.registry import DuplicateName
from operations.health.registry import (
    Degraded,
    HealthCheck,
    Off,
    Unhealthy,
    Unknown,
    health_check_registry,
)
from operations.health.state_machine import DEGRADED, HEALTHY, OFF, UNHEALTHY, UNKNOWN
from tests.aethercrown.registries import isolated


@pytest.fixture(autouse=True)
def _no_checks():
    with isolated(health_check_registry):
        yield


def fine():
    return None


def raising(error):
    def run():
        raise error

    return HealthCheck("a", "A", run)


def test_a_check_is_registered_once():
    first, second = HealthCheck("b", "B", fine), HealthCheck("a", "A", fine)
    for each in (first, second, first):
        health_check_registry.register(each)
    assert list(health_check_registry) == [first, second]
    with pytest.raises(DuplicateName, match="called 'b'"):
        health_check_registry.register(HealthCheck("b", "Another", fine))


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Degraded("Nearly full."), DEGRADED, "Nearly full."),
        (Unknown("Not yet."), UNKNOWN, "Not yet."),
        (Unhealthy("Gone."), UNHEALTHY, "Gone."),
        (Off("Not set."), OFF, "Not set."),
        (ValueError("secret"), UNHEALTHY, "It failed with ValueError."),
    ],
)
def test_what_a_part_raises_becomes_what_was_seen(error, status, words):
    found = raising(error).observe(5)
    assert (found.status, found.error) == (status, words)


def test_a_part_that_returns_is_healthy():
    assert HealthCheck("a", "A", fine).observe(5).status == HEALTHY
