"""A restore that is killed at any moment leaves the former database, or the restored one paused.

RESTORE_KILLS makes it shorter, FAULT_SEED repeats it. On SQLite the swap is files, on PostgreSQL
two names of databases.
"""

import contextlib
import json
import os
import secrets
import subprocess
import sys

import psycopg
import pytest

from aethercrown.crypto import keyring
from aethercrown.embedded import postgres
from tests import rig, template
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KILLS = int(os.environ.get("RESTORE_KILLS", "200"))


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request, tmp_path):
    """That of a database with all tables."""
    folder = tmp_path / "data"
    own = {
        **rig.outer_environment(),
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
    }
    if request.param == "sqlite":
        template.migrated_folder(folder)
        yield own
        return
    folder.mkdir(mode=0o700)
    with contextlib.ExitStack() as kept:
        cluster = kept.enter_context(postgres.running())
        own["DATABASE_URL"] = cluster.url("platform")
        own["ENCRYPTION_KEYS"] = keyring.new_entry()
        with psycopg.connect(
            host=str(cluster.folder), user="postgres", dbname="postgres", autocommit=True
        ) as admin:
            admin.execute("CREATE DATABASE platform")
        run(own, "-m", "django", "migrate", "-v0")
        yield own


def run(environment, *arguments):
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        env=environment,
        cwd=rig.ROOT,
        check=False,
        stdout=subprocess.PIPE,
    )


def test_a_killed_restore_never_lets_automation_run_unasked(environment):
    done = run(environment, "-m", "tests.faults.restoring", str(KILLS), str(SEED))
    result = json.loads(done.stdout.splitlines()[-1])
    on = "postgresql" if environment.get("DATABASE_URL") else "sqlite"
    report(fault="restore killed", on=on, seed=SEED, **result)
    assert result["verdict"] == "ok"
    assert result["outcomes"].keys() == {"former, not paused", "restored, paused"}
