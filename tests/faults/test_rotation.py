"""kill -9 of rotating workers: no key is lost, and each has one current value."""

import contextlib
import json
import os
import secrets
import subprocess
import sys

import pytest

from aethercrown.crypto import keyring
from aethercrown.embedded import postgres
from tests import rig
from tests.faults.crew import Crew
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
KILLS = int(os.environ.get("FAULT_KILLS", "2000"))
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
SECONDS = 3_000


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """The environment of a fresh database."""
    folder = tmp_path / "data"
    folder.mkdir()
    crew = Crew(folder)
    environment = {
        **crew.environment(),
        "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
        "REDIS_URL": "",
        "ENCRYPTION_KEYS": keyring.new_entry(),
        "FAULT_OUTSIDE": str(folder / "outside"),
    }
    with contextlib.ExitStack() as kept:
        if request.param == "postgresql":
            cluster = kept.enter_context(postgres.running())
            environment["DATABASE_URL"] = cluster.url("postgres")
        run(environment, "-m", "django", "migrate", "-v0")
        yield environment


def run(environment, *arguments):
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        cwd=rig.ROOT,
        env=environment,
        check=False,
        timeout=SECONDS,
        stdout=subprocess.PIPE,
    )


def outcome(environment, what, count, **more):
    done = run(environment, "-m", "tests.faults.rotating", what, str(count), str(SEED))
    result = json.loads(done.stdout.splitlines()[-1])
    on = "postgresql" if environment.get("DATABASE_URL") else "sqlite"
    report(on=on, seed=SEED, load=os.getloadavg()[0], **more, **result)
    return result


def test_a_rotation_killed_at_each_failpoint_is_resumed(place):
    result = outcome(place, "exact", 0, fault="kill -9 at each failpoint of a rotation")
    assert result["verdict"] == "ok"
    assert result["kills"] >= result["points"]


def test_random_kills_over_four_workers_lose_no_key(place):
    result = outcome(place, "random", KILLS, fault="random kill -9 over 4 rotating workers")
    assert result["verdict"] == "ok"
    assert result["settled"]
