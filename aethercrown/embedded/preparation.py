"""What has to be there before the children start: tables, demo company, a login and a key.

Runs in a child of its own, so that the supervisor stays small and without a connection.
"""

import importlib
import json
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from aethercrown.db import older_schema

KEY_NAME = "make run"
ADMIN = "admin"
DEMO_DONE = "demo.loaded"


def prepare(folder: Path, answer: int, *, demo: bool, alone: bool) -> None:
    """Bring the database up to date and write what the first screen shows, as JSON, to `answer`.

    A login is made only where this machine is `alone`: elsewhere a set-up link makes the first.
    """
    connect()
    if older_schema.is_older(recorded_migrations()):
        raise SystemExit(older_schema.INSTRUCTION)
    if behind := missing_migrations(migration_files(), recorded_migrations()):
        sys.stdout.write(f"The database is brought up to date (migrations: {len(behind)}).\n")
        sys.stdout.flush()
        call_command("migrate", interactive=False, verbosity=0)
    check_encryption_keys()
    password = create_first_login() if alone else None
    if demo:
        load_demo(folder)
    services = importlib.import_module("security.apikeys.services")
    key = services.replace(KEY_NAME, ["all"]).plaintext  # the key of the former run ends here
    os.write(
        answer,
        json.dumps({"password": password, "api_key": key, "login": administrator_name()}).encode(),
    )


def connect() -> None:
    """Open the connection, or exit with the reason in one sentence."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        raise SystemExit(f"The database cannot be used: {reason}") from None


def check_encryption_keys() -> None:
    """Go no further with key-encryption keys that do not open what is stored."""
    if problems := importlib.import_module("security.encryption.reports").problems():
        raise SystemExit("\n".join(problems))


def migration_files() -> set[tuple[str, str]]:
    """Every migration file of the installed apps; they are not imported, which takes long."""
    return {
        (app.label, path.stem)
        for app in apps.get_app_configs()
        for path in (Path(app.path) / "migrations").glob("[!_]*.py")
    }


def recorded_migrations() -> set[tuple[str, str]]:
    """Every migration that the database says it has."""
    return set(MigrationRecorder(connection).applied_migrations())


def missing_migrations(
    wanted: Iterable[tuple[str, str]], found: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Those migrations that are still to be run."""
    return set(wanted) - found


def create_first_login() -> str | None:
    """Make the first staff login; its password is told only now, and None later."""
    people = get_user_model()._default_manager  # noqa: SLF001 - the documented name for any model
    if people.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    person = people.model(username=ADMIN, is_staff=True, is_superuser=True)
    person.set_password(password)
    person.save()
    return password


def administrator_name() -> str | None:
    """The user name of an administrator, where there is one."""
    people = get_user_model()._default_manager  # noqa: SLF001 - as above
    found = people.filter(is_superuser=True).order_by("pk").first()
    return found.get_username() if found else None


def load_demo(folder: Path) -> None:
    """Load the demo company once for this data folder; a person who clears it keeps it cleared."""
    done = folder / DEMO_DONE
    if done.exists() or "seed_demo" not in get_commands():
        return
    call_command("seed_demo")
    done.touch(mode=0o600)
