"""Restore a back-up: verify it, restore beside the database, compare, and swap last."""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from aethercrown.backup import (
    archive,
    automation_pause,
    create,
    former_state,
    hooks,
    manifest,
    stores,
    work_folder,
)
from aethercrown.backup.automation_pause import INTERRUPTED
from aethercrown.backup.manifest import Manifest
from aethercrown.backup.stores import DatabaseStore
from aethercrown.db import schema


class RestoreRefused(Exception):
    """Nothing was restored or changed; the message says what to do."""


@dataclass(slots=True)
class RestoreResult:
    """What was restored, how long it took, and notes for a person."""

    contents: Manifest
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


PAUSE_REASON = "Restored from a back-up: check it before automation resumes."


def check(path: Path, key: str, *, accept_plain: bool = False) -> RestoreResult:
    """Restore test: restore beside the database, compare every table, and delete it."""
    store = stores.current_store()
    began = time.monotonic()
    with _restored(path, key, store, accept_plain=accept_plain) as (contents, name, _work):
        store.discard(name)
        return RestoreResult(contents, time.monotonic() - began)


def restore(
    path: Path,
    key: str,
    now: datetime,
    *,
    replace: bool = False,
    accept_plain: bool = False,
) -> RestoreResult:
    """Replace the database by the back-up, and run the hooks; the former database is kept.

    The pause of automation is a row of the restored database before it takes the other's place, so
    that nothing runs on it if this process dies before its end.

    Raises RestoreRefused where the database is not empty and `replace` is not given.
    """
    store = stores.current_store()
    empty = store.is_empty()
    if not empty and not replace:
        raise RestoreRefused(
            "The database is not empty: give --replace to put the back-up in its place."
        )
    store.lock()
    folder = Path(settings.DATA_DIR)
    before = [] if empty else [*_interrupted(folder), hooks.snapshot()]
    began = time.monotonic()
    with _restored(path, key, store, accept_plain=accept_plain) as (contents, name, work):
        store.pause(name, INTERRUPTED, now)
        former_state.keep(folder, before)
        for each in connections.all(initialized_only=True):
            each.close()
        former = f"before_{now:%Y%m%dT%H%M%S}_{secrets.token_hex(2)}"
        store.swap(name, former)
        _add_anchors(work / create.ANCHORS)
        done = RestoreResult(contents, notes=_run_hooks(now, contents, before))
        former_state.forget(folder)
        if not empty:
            done.notes.append(f"The former database is kept under the ending {former}.")
    done.seconds = time.monotonic() - began
    return done


def _run_hooks(now: datetime, contents: Manifest, before: list[former_state.State]) -> list[str]:
    """Work on the restored rows, and say why automation is paused; notes for a person."""
    call_command("migrate", verbosity=0, interactive=False)
    notes = hooks.finalize_restore(now, contents.needs)
    compared = [note for each in before for note in hooks.compare(each)]
    automation_pause.explain(INTERRUPTED, PAUSE_REASON)
    return [*notes, *dict.fromkeys(compared)]


def _interrupted(folder: Path) -> list[former_state.State]:
    """What was there before restores that were interrupted after the swap.

    A file of one that was interrupted before it says nothing that the rows do not say better.
    """
    return former_state.read(folder) if automation_pause.is_because(INTERRUPTED) else []


@contextmanager
def _restored(
    path: Path, key: str, store: DatabaseStore, *, accept_plain: bool
) -> Iterator[tuple[Manifest, str, Path]]:
    """Restore under another name and compare every table; deleted on an error."""
    with work_folder.opened(
        path.parent, "restore", lambda left: store.discard(_restored_name(left))
    ) as (work, own):
        name = _restored_name(own)
        contents = archive.unpack(path, key, work, accept_plain=accept_plain)
        _check_usable(contents, store)
        with ExitStack() as undo:
            undo.callback(store.discard, name)
            found = store.restore(work / store.member, name)
            if wrong := manifest.differences(contents.tables, found):
                raise RestoreRefused(f"What was restored differs: {'; '.join(wrong[:5])}.")
            yield contents, name, work
            undo.pop_all()


def _restored_name(own: str) -> str:
    """Of the database that is restored beside, by the name of its work folder."""
    return f"restored_{own}"


def _check_usable(contents: Manifest, store: DatabaseStore) -> None:
    """Raise RestoreRefused with every reason why the back-up cannot be used here."""
    reasons = []
    if contents.vendor != store.vendor:
        reasons.append(f"it is of {contents.vendor}, and DATABASE_URL names {store.vendor}")
    recorded = {(app, name) for app, names in contents.migrations.items() for name in names}
    newer = sorted(recorded - set(MigrationLoader(None).disk_migrations or ()))
    if schema.is_older(recorded):
        reasons.append("an earlier version made it, whose tables have other names")
    elif newer:
        named = ", ".join(f"{app} {name}" for app, name in newer[:3])
        reasons.append(f"a newer version made it, with {named}: update first")
    reasons += hooks.refusals(contents.needs)
    if reasons:
        raise RestoreRefused(f"The back-up cannot be used here: {'; '.join(reasons)}.")


def _add_anchors(found: Path) -> None:
    """Copy the anchor files that are missing here; existing ones are not changed."""
    folder = stores.anchors_folder()
    for path in sorted(found.glob("*.jsonl")) if found.is_dir() else []:
        if not (folder / path.name).exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)
            (folder / path.name).chmod(0o600)
