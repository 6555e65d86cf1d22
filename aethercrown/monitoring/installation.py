"""The doctor's checks of every installation: settings, files, tables, clock."""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from aethercrown import data_dir
from aethercrown.checks import unsafe
from aethercrown.db import schema
from aethercrown.embedded import lock
from aethercrown.formatting import Unit, counted, signed
from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, DoctorCheck, Finding

OTHER_USERS_MODE = 0o077  # permissions of all but the owner
NOT_SECRET = (
    *(".sqlite3", ".sqlite3-wal", ".sqlite3-shm"),
    *(".since", ".loaded", ".lock", ".log", ".pid"),
)
MAX_CLOCK_DRIFT = timedelta(seconds=30)
MAX_MIGRATIONS_NAMED = 5

SECONDS = Unit(suffix=" s")


def service_settings() -> dict[str, bool]:
    """What `make run` has set by itself, while it runs on this data folder; else nothing."""
    if not lock.is_locked(settings.DATA_DIR):
        return {}
    text = data_dir.stored(settings.DATA_DIR, data_dir.SERVICE_SETTINGS_FILE)
    try:
        stated = json.loads(text or "{}")
    except json.JSONDecodeError:  # cut short, or edited by hand
        return {}
    return stated if isinstance(stated, dict) else {}


def check_settings() -> Iterator[Finding]:
    """Unsafe settings, as `check --deploy` reports them."""
    if stated := service_settings():
        words = ", ".join(f"{name}={value}" for name, value in stated.items())
        yield Finding(GOOD, f"Judged as the running service has them: {words}.")
    messages = list(unsafe(None))
    for message in messages:
        yield Finding(
            BAD if message.level >= checks.ERROR else CAUTION, message.msg, "See the message."
        )
    if not messages:
        yield Finding(GOOD, "No setting is unsafe.")


def check_migrations() -> Iterator[Finding]:
    """Whether all migrations are applied; the command leaves out other checks if not."""
    if schema.problem() == schema.INSTRUCTION:
        yield Finding(BAD, schema.INSTRUCTION, "See the message.")
    elif missing := schema.missing_migrations():
        names = ", ".join(f"{app}.{name}" for app, name in missing[:MAX_MIGRATIONS_NAMED])
        apps = counted(len(missing), "app")
        message = f"Not migrated: {apps} ({names}). Checks of tables are left out."
        yield Finding(BAD, message, "./manage.py migrate")
    else:
        yield Finding(GOOD, "Every migration of this version is applied.")


def open_files(folder: Path, env: Path) -> Iterator[Finding]:
    """Files with secrets that other users of this machine may open."""
    wide = [path for path in dict.fromkeys((folder, env, *secrets_in(folder))) if is_open(path)]
    for path in wide:
        yield Finding(BAD, f"Other users of this machine may open {path}.", f"chmod go-rwx {path}")
    if folder.stat().st_uid != os.geteuid():
        message = f"{folder} belongs to another user than the one who runs this."
        yield Finding(CAUTION, message, "Run as its owner, or chown it to the user of the server.")
    elif not wide:
        yield Finding(GOOD, "Only their owner may read the data folder and its secrets.")


def secrets_in(folder: Path) -> Iterable[Path]:
    return (
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.endswith(NOT_SECRET)
    )


def is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & OTHER_USERS_MODE)


def check_clock() -> list[Finding]:
    ours = datetime.now(UTC)
    return list(clock_findings({name: at - ours for name, at in clocks().items()}))


def clocks() -> dict[str, datetime]:
    """The servers' clocks, and the time of the last migration if it is in the future."""
    found: dict[str, datetime] = {}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            found["database"] = cursor.fetchone()[0]
    if settings.REDIS_URL:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as line:
            seconds, micro = line.time()
        found["broker"] = datetime.fromtimestamp(seconds + micro / 1e6, UTC)
    recorder = MigrationRecorder(connection)
    last = recorder.has_table() and recorder.migration_qs.order_by("-applied").first()
    if last and last.applied > datetime.now(UTC):
        found["last migration"] = last.applied
    return found


def clock_findings(differences: dict[str, timedelta]) -> Iterator[Finding]:
    """Clocks that differ from ours by more than `MAX_CLOCK_DRIFT`."""
    wrong = {name: by for name, by in differences.items() if abs(by) > MAX_CLOCK_DRIFT}
    for name, by in wrong.items():
        message = f"The {name} is {signed(by.total_seconds(), SECONDS)} from this machine's clock."
        yield Finding(BAD, message, "Set both by NTP; leases, codes and schedules use the clock.")
    if not wrong:
        yield Finding(
            GOOD, f"The clocks agree: {', '.join(differences) or 'there is only this one'}."
        )


CHECKS = (
    DoctorCheck("settings", "Settings", check_settings),
    DoctorCheck("files", "Files", lambda: open_files(settings.DATA_DIR, data_dir.ROOT / ".env")),
    DoctorCheck("migrations", "Tables", check_migrations),
    DoctorCheck("clock", "Clock", check_clock),
)
