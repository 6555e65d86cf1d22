"""Making a back-up: snapshot, manifest, seal, read back, name; then let go of the old ones."""

import re
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from aethercrown.backup import archive, hooks, manifest, retention, stores
from aethercrown.backup.manifest import Manifest

ENDING = ".backup"
ANCHORS = "anchors"
_STAMP = re.compile(r"aethercrown-(\d{8}T\d{6})Z\.backup")


def create(to: Path, key: str, now: datetime, store: stores.DatabaseStore | None = None) -> Path:
    """A back-up at `to`, or in the folder `to` under the name of its time."""
    store = store or stores.here()
    target = to / f"aethercrown-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z{ENDING}" if to.is_dir() else to
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".aethercrown-") as work:
        needs = hooks.needs()
        dump, tables, migrations = store.dump(Path(work))
        files = {store.member: dump, **_anchors(stores.folder())}
        contents = Manifest(
            made_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            vendor=store.vendor,
            version=_version(),
            migrations=migrations,
            tables=tables,
            members={name: manifest.member(path) for name, path in files.items()},
            needs=needs,
        )
        archive.write(target, contents, files, key)
    return target


def apply_retention(folder: Path) -> list[Path]:
    """Remove the back-ups of a folder that are neither daily, weekly nor monthly ones."""
    times = {path: _time(path) for path in folder.glob(f"aethercrown-*Z{ENDING}")}
    known = {path: at for path, at in times.items() if at is not None}
    stay = retention.backups_to_keep(known.values())
    gone = sorted(path for path, at in known.items() if at not in stay)
    for path in gone:
        path.unlink()
    return gone


def newest(folder: Path) -> Path | None:
    """The newest back-up of a folder by the time in its name."""
    found = [path for path in folder.glob(f"aethercrown-*Z{ENDING}") if _time(path)]
    return max(found, key=lambda path: path.name, default=None)


def _time(path: Path) -> datetime | None:
    found = _STAMP.fullmatch(path.name)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None


def _anchors(folder: Path) -> dict[str, Path]:
    return {f"{ANCHORS}/{path.name}": path for path in sorted(folder.glob("*.jsonl"))}


def _version() -> str:
    try:
        return metadata.version("aethercrown")
    except metadata.PackageNotFoundError:
        return "0.1.0"
