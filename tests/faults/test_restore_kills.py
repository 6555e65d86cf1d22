"""A restore that is killed at any moment leaves the former database, or the restored one paused.

RESTORE_KILLS makes it shorter, FAULT_SEED repeats it. On SQLite, where the swap is files.
"""

import json
import os
import secrets
import subprocess
import sys

import pytest

from tests import rig, template
from tests.faults.test_workers import report

pytestmark = pytest.mark.fault
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KILLS = int(os.environ.get("RESTORE_KILLS", "200"))


def test_a_killed_restore_never_lets_automation_run_unasked(tmp_path):
    folder = tmp_path / "data"
    template.migrated_folder(folder)
    own = {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "aethercrown.settings"}
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.faults.restoring", str(KILLS), str(SEED)],
        env={**rig.outer_environment(), **own},
        cwd=rig.ROOT,
        check=False,
        stdout=subprocess.PIPE,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    report(fault="restore killed", seed=SEED, **result)
    assert result["verdict"] == "ok"
    assert result["outcomes"].keys() == {"former, not paused", "restored, paused"}
