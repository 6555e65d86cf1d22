"""Prepare the database before the servers start: migrations, demo company, first login, API key.

Runs in a child process, so that the supervisor stays small and has no database connection.
"""

import importlib
import json
import os
import secrets
import sys
from pathlib import Path

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from aethercrown.db import schema

KEY_NAME = "make run"
ADMIN = "admin"
DEMO_DONE = "demo.loaded"


def prepare(folder: Path, answer: int, *, demo: bool, alone: bool) -> None:
    """Prepare the database; write login, password and API key as JSON to the file `answer`.

    A login is created only with `alone`, where only this machine can connect: elsewhere the
    set-up link creates the first.
    """
    connect()
    recorded = set(MigrationRecorder(connection).applied_migrations())
    if schema.is_older(recorded):
        raise SystemExit(schema.INSTRUCTION)
    if behind := migration_files() - recorded:
        sys.stdout.write(f"The database is brought up to date (migrations: {len(behind)}).\n")
        sys.stdout.flush()
        call_command("migrate", interactive=False, verbosity=0)
    if problems := importlib.import_module("security.encryption.reports").problems():
        raise SystemExit("\n".join(problems))
    password = create_first_login() if alone else None
    if demo:
        load_demo(folder)
    services = importlib.import_module("security.apikeys.services")
    key = services.replace(KEY_NAME, ["all"]).plaintext  # revokes the key of the last run
    os.write(
        answer,
        json.dumps({"password": password, "api_key": key, "login": administrator_name()}).encode(),
    )


def connect() -> None:
    """Open a single connection: a pool would try for ten seconds before it reports the reason."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        raise SystemExit(f"The database cannot be used: {reason}") from None


def migration_files() -> set[tuple[str, str]]:
    """The migration files of the installed apps; importing them would take long."""
    return {
        (app.label, path.stem)
        for app in apps.get_app_configs()
        for path in (Path(app.path) / "migrations").glob("[!_]*.py")
    }


def create_first_login() -> str | None:
    """Create the first administrator; the password, or None where there is one already."""
    users = get_user_model()._default_manager  # noqa: SLF001 - the documented name for any model
    if users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    user = users.model(username=ADMIN, is_staff=True, is_superuser=True)
    user.set_password(password)
    user.save()
    return password


def administrator_name() -> str | None:
    """The user name of the first administrator, if any."""
    users = get_user_model()._default_manager  # noqa: SLF001 - as above
    found = users.filter(is_superuser=True).order_by("pk").first()
    return found.get_username() if found else None


def load_demo(folder: Path) -> None:
    """Load the demo company once for each data folder: after clear_demo it stays removed."""
    done = folder / DEMO_DONE
    if done.exists() or "seed_demo" not in get_commands():
        return
    call_command("seed_demo")
    done.touch(mode=0o600)
