"""The command line, in processes of its own as a person calls it."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import django
import pytest
from django.core.management import call_command, get_commands

from tests import rig


def manage(*arguments, python=sys.executable, **environment):
    surroundings = rig.outer_environment()
    return subprocess.run(  # noqa: S603 - our own command
        [python, "manage.py", *arguments],
        cwd=rig.ROOT,
        env={**surroundings, "DJANGO_SETTINGS_MODULE": "aethercrown.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_of_django_is_run():
    done = manage("version")
    assert (done.returncode, done.stdout) == (0, f"{django.__version__}\n")


@pytest.mark.skipif(not (rig.ROOT / ".venv").exists(), reason="runs in another environment")
def test_outside_a_virtual_environment_it_runs_in_the_projects_own():
    done = manage("version", python=sys._base_executable)  # type: ignore[attr-defined]
    assert (done.returncode, done.stdout) == (0, f"{django.__version__}\n")


def test_an_environment_that_is_no_virtual_one_is_started_once(tmp_path):
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys._base_executable)  # type: ignore[attr-defined]
    shutil.copy(rig.ROOT / "manage.py", tmp_path)
    done = subprocess.run(  # noqa: S603 - our own command
        [sys._base_executable, "manage.py", "version"],  # type: ignore[attr-defined]
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(django.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"{django.__version__}\n"


def test_the_two_commands_stand_in_the_help():
    assert get_commands()["start"] == get_commands()["test"] == "aethercrown"


@pytest.mark.parametrize("command", ["check", "start"])
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"API_BURST": "many"}, "API_BURST is 'many', and must be a whole number."),
        (
            {"CHECK_INTERVAL_MINUTES": "0"},
            "CHECK_INTERVAL_MINUTES is '0', and must be a whole number from 1 to 525600.",
        ),
    ],
)
def test_a_setting_without_a_meaning_is_one_sentence(command, setting, words, tmp_path):
    done = manage(command, DATA_DIR=str(tmp_path), PORT=str(rig.free_port()), **setting)
    assert done.returncode == 1
    assert done.stderr == f"The settings are wrong: {words}\n"
    assert not rig.processes_of(tmp_path)


@pytest.mark.parametrize("command", ["start", "test"])
def test_a_command_that_only_manage_py_can_run_says_so(command):
    told = io.StringIO()
    call_command(command, stderr=told)
    assert f"python manage.py {command}" in told.getvalue()
