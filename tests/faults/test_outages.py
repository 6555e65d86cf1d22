"""A thousand partial outages, none of them excused or invented, and long histories of alerts.

`HISTORIES` and `OUTAGES` of the environment set other numbers than those asked for.
"""

import os
from datetime import timedelta
from random import Random

import pytest
from hypothesis import settings as run_settings
from hypothesis.stateful import run_state_machine_as_test

from operations.alerts.models import Alert
from operations.health.concurrent_checks import CheckRunner
from operations.health.models import Check, Component, Incident
from operations.health.services import run_checks
from operations.health.state_machine import DOWN, HEALTHY, UNHEALTHY, Observation
from tests.operations.alerts.test_last_word_machine import STEPS, AlertHistory
from tests.operations.conftest import listener  # noqa: F401 - a fixture
from tests.operations.health.conftest import Clock, checks  # noqa: F401 - a fixture

pytestmark = [pytest.mark.fault, pytest.mark.django_db]
HISTORIES = int(os.environ.get("HISTORIES", "10000"))
OUTAGES = int(os.environ.get("OUTAGES", "1000"))
LOST = float(os.environ.get("LOST", "0.01"))  # three in a row are an outage to any monitor
HOSTS, INTERVAL = 6, timedelta(minutes=5)
NETWORK_KINDS = ("timeout", "dns", "connect")


class World(CheckRunner):
    """Hosts that hang or answer as the test says; now and then one check of another is lost."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.down: set[str] = set()
        self.lost: set[str] = set()

    def run(self, jobs, seconds, *, max_threads=0):
        return {name: self.seen(name) for name in jobs}

    def seen(self, name):
        is_lost = name in self.lost
        self.lost.discard(name)
        if name in self.down or is_lost:
            return Observation(UNHEALTHY, error_kind=self.random.choice(NETWORK_KINDS))
        return Observation(HEALTHY, response_ms=5.0)


def outage(random, clock, world, names):
    """One partial outage: who is down after two intervals, who had to be, and how long it took."""
    failing = set(random.sample(names, random.randint(1, len(names) - 1)))
    healthy = [name for name in names if name not in failing]
    began = clock.move(seconds=random.randint(1, 300))
    world.down = failing
    found: dict[str, timedelta] = {}
    while clock.now < began + 2 * INTERVAL:
        world.lost = {name for name in healthy if random.random() < LOST}
        run_checks.run_watchdog(clock=clock, runner=world)
        for name in Component.objects.filter(state=DOWN).values_list("name", flat=True):
            found.setdefault(name, clock.now - began)
        clock.move(seconds=15)
    return failing, found


def forget(names):
    """As before the outage: everything up, and no history that a next one could reopen."""
    for model in (Check, Incident, Alert):
        model.objects.all().delete()
    Component.objects.filter(name__in=names).update(
        state="up", status="healthy", contrary_count=0, contrary_since=None, recent_ms=[]
    )


@pytest.mark.usefixtures("checks")
def test_partial_outages_are_found_and_no_other_host_is_blamed():
    random, clock = Random(1), Clock()  # noqa: S311 - repeatable, no secret
    world = World(random)
    names = [f"host{number}" for number in range(HOSTS)]
    for name in names:
        Component.objects.create(
            name=name, target=f"https://{name}.example.com/", check_every_seconds=INTERVAL.seconds
        )
    run_checks.run_round(clock=clock, runner=world)
    missed, invented, slowest = 0, 0, timedelta(0)
    for _ in range(OUTAGES):
        forget(names)
        failing, found = outage(random, clock, world, names)
        missed += bool(failing - set(found))
        invented += bool(set(found) - failing)
        slowest = max([slowest, *(found[name] for name in failing & set(found))])
    print(  # noqa: T201 - what a person asked to see
        f"{OUTAGES} partial outages of {HOSTS} hosts, each checked every {INTERVAL}, {LOST:.0%} "
        f"of the checks of others lost: {missed} missed, {invented} with a false down, "
        f"slowest {slowest}"
    )
    assert (missed, invented) == (0, 0)


@pytest.mark.usefixtures("listener")
def test_the_last_word_of_long_histories_is_the_truth():
    run_state_machine_as_test(AlertHistory, settings=run_settings(STEPS, max_examples=HISTORIES))
    print(f"{HISTORIES} histories of alerts: the last word was the truth each time")  # noqa: T201
