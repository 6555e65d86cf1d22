"""Components, a check runner that returns what a test says, and a clock that a test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from operations.health.concurrent_checks import CheckRunner
from operations.health.models import Component
from operations.health.registry import HealthCheck, health_check_registry
from operations.health.state_machine import HEALTHY, UNHEALTHY, Observation
from tests.aethercrown.registries import isolated

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD = Observation(HEALTHY, response_ms=5.0)
BAD = Observation(UNHEALTHY, error_kind="refused", error="The connection was refused.")


def broken() -> None:
    """The check of a part that does not work."""
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


class ScriptedRunner(CheckRunner):
    """Returns the observations in `results`, without threads; `asked` has the names of each run."""

    def __init__(self):
        super().__init__()
        self.results = {}
        self.asked = []

    def run(self, jobs, seconds, *, max_threads=0):
        self.asked.append(sorted(jobs))
        return {name: self.results.get(name, GOOD) for name in jobs}


@pytest.fixture(autouse=True)
def checks():
    """The two built-in checks that are registered."""
    known = {
        "database": HealthCheck("database", "Database", lambda: None, is_vital=True),
        "cache": HealthCheck("cache", "Cache", lambda: None, parent="database"),
    }
    with isolated(health_check_registry, known.values()):
        yield known


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def runner():
    return ScriptedRunner()


@pytest.fixture
def shop(db):
    """A target that staff added."""
    return Component.objects.create(name="shop", target="https://shop.example.com/")
