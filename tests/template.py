"""One migrated database for all test processes: the first migrates it, the others copy it.

Migrating takes 15 s of CPU, a copy 0.1 s. The SQLite file is kept in pytest's cache folder, under
a digest of the sources, so that the next run copies it too. PostgreSQL's template lives as long
as the run: the first process to start drops one that a killed run left.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from aethercrown.gate.selection import APPS
from tests import rig

ROOT = Path(__file__).resolve().parent.parent
NAME = "aethercrown_test_template"


@cache
def digest() -> str:
    """Of every source of the apps: a migration may call any of them."""
    found = hashlib.sha256()
    for path in sorted(each for app in APPS for each in (ROOT / app).rglob("*.py")):
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]


@contextlib.contextmanager
def prepared(config: pytest.Config) -> Iterator[bool]:
    """Hold the lock while a test database is made; True where it is a copy of the template."""
    folder = Path(os.environ["TESTS_FOLDER"])
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if connection.vendor == "sqlite":
            yield copy_file(sqlite_file(config))
        else:
            yield use_template(folder / "template.made")


def store(config: pytest.Config) -> None:
    """Make the database that was just migrated the template of later ones."""
    if connection.vendor == "sqlite":
        file = sqlite_file(config)
        for old in file.parent.glob("*.sqlite3"):
            old.unlink(missing_ok=True)
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(draft)])
        draft.replace(file)
        return
    source = connection.settings_dict["NAME"]
    connection.close()
    with server() as cursor:
        cursor.execute(f'CREATE DATABASE {NAME} TEMPLATE "{source}"')
    (Path(os.environ["TESTS_FOLDER"]) / "template.made").touch()


def sqlite_file(config: pytest.Config) -> Path:
    return config.cache.mkdir("database") / f"{digest()}.sqlite3"


def copy_file(template: Path) -> bool:
    if not template.exists():
        return False
    shutil.copyfile(template, settings.DATABASES["default"]["TEST"]["NAME"])
    return True


def use_template(made: Path) -> bool:
    if made.exists():
        settings.DATABASES["default"]["TEST"]["TEMPLATE"] = NAME
        return True
    with server() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    return False


@contextlib.contextmanager
def without_time_limits() -> Iterator[None]:
    """Making and dropping a database waits for a busy disk; a statement may take ten seconds."""
    given = connection.settings_dict["OPTIONS"]
    chosen = {} if connection.vendor == "sqlite" else {"options": "-c statement_timeout=0"}
    connection.settings_dict["OPTIONS"] = {**given, **chosen}
    try:
        yield
    finally:
        connection.settings_dict["OPTIONS"] = given
        connection.close()


@contextlib.contextmanager
def server() -> Iterator["psycopg.Cursor[tuple[object, ...]]"]:
    """A cursor on the server's own database, outside a transaction."""
    given = connection.get_connection_params()
    chosen = {name: given[name] for name in ("user", "password", "host", "port") if name in given}
    with (
        psycopg.connect(**chosen, dbname="postgres", autocommit=True) as opened,
        opened.cursor() as cursor,
    ):
        yield cursor


def migrated_folder(folder: Path) -> None:
    """Fill `folder` with a migrated SQLite database and its secrets, as a first start leaves them.

    One is made for each run of the tests; a copy of it spares a start 15 s of CPU. Outside the
    tests, as in a benchmark, it stands beside `folder`.
    """
    made = Path(os.environ.get("TESTS_FOLDER") or folder.parent) / "migrated"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            draft = made.with_suffix(".draft")
            own = {"DATA_DIR": str(draft), "DJANGO_SETTINGS_MODULE": "aethercrown.settings"}
            command = [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"]
            subprocess.run(command, cwd=ROOT, env=rig.outer_environment() | own, check=True)  # noqa: S603 - our own command
            draft.rename(made)
    shutil.copytree(made, folder)
