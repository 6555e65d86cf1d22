"""Components, looks that see what a test says, and a clock that a test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from operations.health import registry
from operations.health.concurrent_checks import Board
from operations.health.models import Component
from operations.health.registry import Part
from operations.health.state_machine import HEALTHY, UNHEALTHY, Observation

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD = Observation(HEALTHY, ms=5.0)
BAD = Observation(UNHEALTHY, kind="refused", error="The connection was refused.")


def broken() -> None:
    """The work of a part that does not work."""
    raise ZeroDivisionError


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def move(self, **by):
        self.now += timedelta(**by)
        return self.now


class Told(Board):
    """Sees what it is told, without a thread; what it was asked about stands in `asked`."""

    def __init__(self):
        super().__init__()
        self.says = {}
        self.asked = []

    def perform(self, jobs, seconds, *, most=0):
        self.asked.append(sorted(each.name for each in jobs))
        return {each.name: self.says.get(each.name, GOOD) for each in jobs}


@pytest.fixture(autouse=True)
def parts():
    """The two parts that are registered."""
    known = {
        "database": Part("database", "Database", lambda: None, is_vital=True),
        "cache": Part("cache", "Cache", lambda: None, parent="database"),
    }
    with registry.apart(known.values()):
        yield known


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def board():
    return Told()


@pytest.fixture
def shop(db):
    """A target that staff entered."""
    return Component.objects.create(name="shop", target="https://shop.example.com/")
