"""R12: back-ups taken while four writers commit, restored into an empty place.

Each writer notes what was acknowledged before it goes on. A back-up has to hold every write that
was acknowledged before it began, nothing by halves, and equal the snapshot in every table; the
audit's chain has to verify, and every secret to open. Prints how old the newest write in it is
(RPO), and how long bringing it back takes (RTO).
"""

import json
import os
import secrets
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from aethercrown.embedded import postgres
from tests import rig

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
BACKUPS = int(os.environ.get("FAULT_BACKUPS", "3"))
WRITERS = 4
KEY = "k" * 40
WRITE = """
import sys, time, django
django.setup()
from django.contrib.auth.models import Group
from django.db import transaction
from security.audit import services
journal = open(sys.argv[1], "a")
number = 0
while True:
    number += 1
    name = f"{sys.argv[2]}-{number}"
    with transaction.atomic():
        Group.objects.create(name=name)
        services.record(stream=f"load:{sys.argv[2]}", event="test.said", subject=name)
    journal.write(f"{time.time()} {name}\\n")
    journal.flush()
"""
LOOK = """
import json, sys, django
django.setup()
from django.contrib.auth.models import Group
from security.encryption import reports as encryption
from security.encryption.reports import system_secrets
from security.audit.models import Event
print(json.dumps({
    "groups": sorted(Group.objects.values_list("name", flat=True)),
    "said": sorted(Event.objects.filter(event="test.said").values_list("subject", flat=True)),
    "sealed": system_secrets.current(system_secrets.PEPPER).value,
    "problems": encryption.problems(),
}))
"""


class Place:
    """One installation: a data folder, and on the server profile a database of its own."""

    def __init__(self, folder: Path, address: str) -> None:
        folder.mkdir(parents=True)
        chosen = {name: text for name, text in os.environ.items() if name not in rig.TEST_VARIABLES}
        self.folder = folder
        self.environment = {
            **chosen,
            "DATA_DIR": str(folder),
            "DATABASE_URL": address,
            "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
            "BACKUP_KEY": KEY,
            "ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
            "PYTHONPATH": str(rig.ROOT),
        }

    def call(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, *arguments],
            cwd=rig.ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.call("manage.py", *arguments)

    @contextmanager
    def load(self):
        """Writers until the end of the block; gives the journals' folder."""
        writers = [
            subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-c", WRITE, str(self.folder / f"{each}.journal"), f"w{each}"],
                cwd=rig.ROOT,
                env=self.environment,
            )
            for each in range(WRITERS)
        ]
        try:
            yield
        finally:
            for writer in writers:
                writer.kill()
                writer.wait()

    def acknowledged(self):
        """Every noted write with its time; a line that was cut short counts as not noted."""
        lines = (
            path.read_text().splitlines(keepends=True) for path in self.folder.glob("*.journal")
        )
        whole = (line.split() for each in lines for line in each if line.endswith("\n"))
        return {name: float(at) for at, name in whole}


@contextmanager
def places(profile, folder):
    """A function that creates installations, each with an empty database."""
    if profile == "sqlite":
        yield lambda name: Place(folder / name, "")
        return
    with postgres.running() as cluster:
        made = []

        def place(name):
            with postgres_session(cluster) as session:
                session.execute(f'CREATE DATABASE "{name}"')
            made.append(name)
            return Place(folder / name, cluster.url(name))

        yield place


def postgres_session(cluster):
    import psycopg  # noqa: PLC0415 - for this profile only

    return psycopg.connect(
        host=str(cluster.folder), user="postgres", dbname="postgres", autocommit=True
    )


@pytest.mark.parametrize("profile", ["sqlite", "postgresql"])
def test_a_backup_under_load_comes_back_whole(profile, tmp_path):
    with places(profile, tmp_path) as place:
        source = place("source")
        source.manage("migrate", "-v0")
        files, begun = [], []
        with source.load():
            wait_for_writes(source)
            for number in range(BACKUPS):
                begun.append(time.time())
                files.append(tmp_path / f"{number}.backup")
                source.manage("backup", "--to", str(files[-1]))
        noted = source.acknowledged()
        pepper = json.loads(source.call("-c", LOOK))["sealed"]
        verdicts = [
            examined(pepper, place(f"empty{number}"), files[number], begun[number], noted)
            for number in range(BACKUPS)
        ]
    print(  # noqa: T201 - the figure that `make faults` prints
        json.dumps(
            {
                "fault": "R12 back-up under load",
                "database": profile,
                "seed": SEED,
                "writers": WRITERS,
                "acknowledged": len(noted),
                "backups": verdicts,
            }
        )
    )


def wait_for_writes(source):
    give_up = time.monotonic() + 120
    while len(source.acknowledged()) < 50:
        assert time.monotonic() < give_up, "The writers did not begin."
        time.sleep(0.2)


def examined(pepper, empty, path, begun, noted):
    """Restore into an empty place and compare with what was acknowledged."""
    started = time.monotonic()
    told = empty.manage("restore", str(path))
    seconds = time.monotonic() - started
    assert "each equal to its digest" in told
    assert "The audit is wrong" not in told
    empty.manage("verify_audit")
    found = json.loads(empty.call("-c", LOOK))
    there = set(found["groups"])
    missing = [name for name, at in noted.items() if at < begun and name not in there]
    written = {name for name in there if name[0] == "w" and "-" in name}
    assert missing == []
    assert written == set(found["said"])  # both or neither
    assert found["problems"] == []
    assert found["sealed"] == pepper  # no other secret was handed over
    held = [noted[name] for name in written if name in noted]
    return {
        "rows": len(written),
        "lost": len(missing),
        "rpo_seconds": round(max(0.0, begun - max(held)), 3),
        "rto_seconds": round(seconds, 1),
    }
