"""Bringing a back-up back: everything is checked before anything is touched, and swapped last."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from aethercrown.backup import archive, create, hooks, manifest, stores
from aethercrown.backup.manifest import Manifest, TableDigest
from aethercrown.backup.stores import DatabaseStore


class RestoreRefused(Exception):
    """It is not restored, and nothing was touched; the words say what to do."""


@dataclass(slots=True)
class RestoreResult:
    """What was restored, how long it took, and what a person should know."""

    contents: Manifest
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def check(path: Path, key: str, store: DatabaseStore | None = None) -> RestoreResult:
    """Restore to a place of its own, compare every table, and throw it away: the time it takes."""
    store = store or stores.here()
    began = time.monotonic()
    with _beside(path, key, store) as (contents, beside, _work):
        store.discard(beside)
        return RestoreResult(contents, time.monotonic() - began)


def restore(
    path: Path,
    key: str,
    now: datetime,
    *,
    replace: bool = False,
    store: DatabaseStore | None = None,
) -> RestoreResult:
    """Put the back-up in the place of the database, which is kept beside; then settle it.

    Refused where there is something to replace and `replace` was not given.
    """
    store = store or stores.here()
    empty = store.is_empty()
    if not empty and not replace:
        raise RestoreRefused(
            "The database is not empty: give --replace to put the back-up in its place."
        )
    store.hold()
    before = {} if empty else hooks.measure()
    began = time.monotonic()
    with _beside(path, key, store) as (contents, beside, work):
        for each in connections.all(initialized_only=True):
            _let_go(each)
        aside = f"before_{now:%Y%m%dT%H%M%S}_{secrets.token_hex(2)}"
        store.swap(beside, aside)
        _bring_anchors(work / create.ANCHORS)
        done = RestoreResult(contents)
        call_command("migrate", verbosity=0, interactive=False)
        done.notes = [*hooks.finalize_restore(now, contents.needs), *hooks.compare(before)]
        if not empty:
            done.notes.append(f"What was there before is kept under the ending {aside}.")
    done.seconds = time.monotonic() - began
    return done


@contextmanager
def _beside(path: Path, key: str, store: DatabaseStore) -> Iterator[tuple[Manifest, str, Path]]:
    """The back-up restored beside the database, every table compared; gone again on an error."""
    beside = f"restored_{secrets.token_hex(4)}"
    with _unpacked(path, key) as (contents, work):
        _refuse(contents, store)
        try:
            _compare(contents, store.restore(work / store.member, beside))
            yield contents, beside, work
        except BaseException:
            store.discard(beside)
            raise


def _compare(contents: Manifest, found: dict[str, TableDigest]) -> None:
    wrong = manifest.differences(contents.tables, found)
    if wrong:
        raise RestoreRefused(f"What was restored differs: {'; '.join(wrong[:5])}.")


@contextmanager
def _unpacked(path: Path, key: str) -> Iterator[tuple[Manifest, Path]]:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".aethercrown-") as folder:
        work = Path(folder)
        yield archive.unpack(path, key, work), work


def _refuse(contents: Manifest, store: DatabaseStore) -> None:
    """Everything that speaks against it at once."""
    words = []
    if contents.vendor != store.vendor:
        words.append(f"it is of {contents.vendor}, and DATABASE_URL names {store.vendor}")
    known: dict[str, list[str]] = {}
    for app, name in MigrationLoader(None).disk_migrations or {}:
        known.setdefault(app, []).append(name)
    newer = manifest.unknown_migrations(contents.migrations, known)
    if newer:
        words.append(f"a newer version made it, with {', '.join(newer[:3])}: update first")
    words += hooks.refusals(contents.needs)
    if words:
        raise RestoreRefused(f"The back-up cannot be used here: {'; '.join(words)}.")


def _bring_anchors(found: Path) -> None:
    """Add the files of anchors that this place lacks; those that are here stay as they are."""
    folder = stores.folder()
    for path in sorted(found.glob("*.jsonl")) if found.is_dir() else []:
        if not (folder / path.name).exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)
            (folder / path.name).chmod(0o600)


def _let_go(connection: BaseDatabaseWrapper) -> None:
    """Close it and, on PostgreSQL, the pool behind it: both speak of the old database."""
    connection.close()
    if connection.vendor == "postgresql":
        getattr(connection, "close_pool", no_pool)()


def no_pool() -> None:
    """Where Django has none."""
