"""Create a back-up, and delete the old ones that retention does not keep."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aethercrown.backup import archive, hooks, manifest, stores, work_folder
from aethercrown.backup.manifest import Manifest

VERSION = "0.1.0"  # of AetherCrown, as in pyproject.toml
SUFFIX = ".backup"
ANCHORS = "anchors"
AHEAD_AFTER = timedelta(minutes=1)  # later than now: by a clock that was ahead
KEPT_DAYS, KEPT_WEEKS, KEPT_MONTHS = 7, 4, 12
_STAMP = re.compile(r"aethercrown-(\d{8}T\d{6})Z\.backup")


def file_name(now: datetime) -> str:
    """The name of a back-up: its time in UTC."""
    return f"aethercrown-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z{SUFFIX}"


def create(to: Path, key: str, now: datetime) -> Path:
    """Write a back-up to the file `to`, or into the folder `to` under its time; the file's path."""
    store = stores.current_store()
    target = to / file_name(now) if to.is_dir() else to
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with work_folder.opened(target.parent, "backup") as (work, _name):
        needs = hooks.needs()
        dump, tables, migrations = store.dump(work)
        anchors = sorted(stores.anchors_folder().glob("*.jsonl"))
        files = {store.member: dump, **{f"{ANCHORS}/{path.name}": path for path in anchors}}
        contents = Manifest(
            made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            vendor=store.vendor,
            version=VERSION,
            migrations=migrations,
            tables=tables,
            members={name: manifest.member(path) for name, path in files.items()},
            needs=needs,
        )
        archive.write(target, contents, files, key, work)
    return target


def apply_retention(folder: Path) -> list[Path]:
    """Delete the back-ups of a folder that `backups_to_keep` does not name; the deleted paths."""
    times = {path: _time(path) for path in folder.glob(f"aethercrown-*Z{SUFFIX}")}
    known = {path: at for path, at in times.items() if at is not None}
    kept = backups_to_keep(known.values())
    deleted = sorted(path for path, at in known.items() if at not in kept)
    for path in deleted:
        path.unlink()
    return deleted


def backups_to_keep(times: Iterable[datetime]) -> set[datetime]:
    """The newest of each of 7 days, 4 weeks and 12 months; the newest of all is among them."""
    newest = sorted(set(times), reverse=True)
    rules = (
        (KEPT_DAYS, lambda at: at.date().toordinal()),
        (KEPT_WEEKS, lambda at: at.isocalendar()[:2]),
        (KEPT_MONTHS, lambda at: (at.year, at.month)),
    )
    kept: set[datetime] = set()
    for limit, period in rules:
        newest_of: dict[object, datetime] = {}
        for at in newest:
            newest_of.setdefault(period(at), at)
        kept.update(list(newest_of.values())[:limit])
    return kept


def newest(folder: Path, now: datetime) -> Path | None:
    """The newest back-up of a folder, by the time in its name; not one of a clock that was ahead.

    Of such alone it is the newest of them.
    """
    times = {path: _time(path) for path in folder.glob(f"aethercrown-*Z{SUFFIX}")}
    known = {path: at for path, at in times.items() if at is not None}
    past = {path: at for path, at in known.items() if at <= now + AHEAD_AFTER}
    found = past or known
    return max(found, key=lambda path: found[path], default=None)


def _time(path: Path) -> datetime | None:
    found = _STAMP.fullmatch(path.name)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None
