"""The command line, in processes of its own as a person calls it."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
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


@pytest.mark.fault
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
        env=os.environ | {"PYTHONPATH": f"{Path(django.__file__).parents[1]}:{rig.ROOT}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == f"{django.__version__}\n"


def test_the_two_commands_stand_in_the_help():
    assert get_commands()["start"] == get_commands()["test"] == "aethercrown"


@pytest.mark.parametrize(
    ("command", "setting", "words"),
    [
        ("check", {"API_BURST": "many"}, "API_BURST is 'many', and must be a whole number."),
        (
            "start",
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


COMMANDS = (["create_api_key", "--name", "me", "--scopes", "all"], ["export_data", "customers"])


def test_a_database_without_tables_is_one_sentence(tmp_path):
    done = manage(*COMMANDS[1], DATA_DIR=str(tmp_path), DATABASE_URL="")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "The database lacks tables of this version: run ./manage.py migrate first.",
    )
    assert "Traceback" not in done.stderr


def test_a_database_of_an_earlier_version_is_one_sentence(tmp_path):
    with closing(sqlite3.connect(tmp_path / "aethercrown.sqlite3")) as rows:
        rows.execute("CREATE TABLE django_migrations (id INTEGER, app, name, applied datetime)")
        recorded = (1, "aethercrown", "0001_stored_reply", "2026-01-01")
        rows.execute("INSERT INTO django_migrations VALUES (?, ?, ?, ?)", recorded)
        rows.commit()
    done = manage(*COMMANDS[0], DATA_DIR=str(tmp_path), DATABASE_URL="")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The database was made by an earlier version")
    told = manage("doctor", DATA_DIR=str(tmp_path), DATABASE_URL="").stdout
    assert "bad     Tables: The database was made by an earlier version" in told


def test_the_doctor_of_an_empty_database_names_the_one_thing_to_do(tmp_path):
    done = manage("doctor", DATA_DIR=str(tmp_path), DATABASE_URL="")
    assert "Fix: ./manage.py migrate" in done.stdout
    assert "no such table" not in done.stdout
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "Found: 1 bad, 0 cautions.")


@pytest.mark.fault
def test_a_database_that_does_not_answer_keeps_its_own_error(tmp_path):
    nobody = f"postgresql://me:secret@127.0.0.1:{rig.free_port()}/rows"
    keys = "k1:" + "A" * 43 + "="
    given = {"DATABASE_URL": nobody, "ENCRYPTION_KEYS": keys, "DATA_DIR": str(tmp_path)}
    done = manage(*COMMANDS[0], **given)
    assert done.returncode == 1
    assert "migrate first" not in done.stderr
    assert "connection" in done.stderr


@pytest.mark.parametrize("command", ["start", "test"])
def test_a_command_that_only_manage_py_can_run_says_so(command):
    told = io.StringIO()
    call_command(command, stderr=told)
    assert f"python manage.py {command}" in told.getvalue()
