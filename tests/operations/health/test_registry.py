import pytest

from operations.health import registry
from operations.health.registry import Faulty, NameTaken, Part, Strained, Unsure
from operations.health.state_machine import DEGRADED, HEALTHY, UNHEALTHY, UNKNOWN


@pytest.fixture(autouse=True)
def _no_parts():
    with registry.apart():
        yield


def fine():
    return None


def raising(error):
    def work():
        raise error

    return Part("a", "A", work)


def test_parts_come_in_the_order_of_names_and_once():
    first, second = Part("b", "B", fine), Part("a", "A", fine)
    for each in (first, second, first):
        registry.register(each)
    assert registry.parts() == (second, first)
    with pytest.raises(NameTaken, match="called b"):
        registry.register(Part("b", "Another", fine))


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Strained("Nearly full."), DEGRADED, "Nearly full."),
        (Unsure("Not yet."), UNKNOWN, "Not yet."),
        (Faulty("Gone."), UNHEALTHY, "Gone."),
        (ValueError("secret"), UNHEALTHY, "It failed with ValueError."),
    ],
)
def test_what_a_part_raises_becomes_what_was_seen(error, status, words):
    found = raising(error).look(5)
    assert (found.status, found.error) == (status, words)


def test_a_part_that_returns_is_healthy():
    assert Part("a", "A", fine).look(5).status == HEALTHY
