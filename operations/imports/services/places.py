"""New files of a repeating import: in a folder below IMPORT_ROOT, or at an https address."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from aethercrown.http import outbound
from operations.imports.models import DataImport, RepeatingImport
from operations.imports.services.draft import MAX_FILE_BYTES

STILL_WRITTEN = timedelta(minutes=1)  # a file that changed since may not be whole
MAX_FILES = 200  # of a folder, the newest
FETCH_SECONDS = 10.0
Fetch = Callable[..., outbound.OutboundResponse]


class NotReadable(Exception):
    """The place cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file; `fault` says why it cannot be read."""

    name: str
    content: bytes = b""
    fault: str = ""


def check_place(row: RepeatingImport) -> None:
    """Raise NotReadable where the place is not allowed, whether or not a file is there."""
    if row.place == RepeatingImport.Place.FOLDER:
        folder_of(row)
    elif urlsplit(row.address).scheme != "https":
        raise NotReadable("The address must begin with https://.")


def folder_of(row: RepeatingImport) -> Path:
    """The folder, below IMPORT_ROOT also where links lead. Raises NotReadable."""
    if not settings.IMPORT_ROOT:
        raise NotReadable("IMPORT_ROOT is not set, so no folder may be read.")
    root = Path(settings.IMPORT_ROOT).resolve()
    folder = (root / row.folder).resolve()
    if not folder.is_relative_to(root):
        raise NotReadable(f"{row.folder} is not below IMPORT_ROOT.")
    if not folder.is_dir():
        raise NotReadable(f"There is no folder {row.folder or '.'} below IMPORT_ROOT.")
    return folder


def new_files(
    row: RepeatingImport, now: datetime, fetch: Fetch = outbound.fetch
) -> Iterator[FoundFile]:
    """Files that were not looked at before, the oldest first. Raises NotReadable."""
    in_folder = row.place == RepeatingImport.Place.FOLDER
    found = _in_folder(row, now) if in_folder else _at_address(row, fetch)
    for each in found:
        if each.fault:
            yield each
            continue
        digest = hashlib.sha256(each.content).hexdigest()
        if not DataImport.objects.filter(repeating=row, digest=digest).exists():
            yield each


def _in_folder(row: RepeatingImport, now: datetime) -> Iterator[FoundFile]:
    """A file that cannot be read keeps none of the others."""
    root = Path(settings.IMPORT_ROOT).resolve()
    files = []
    try:
        for path in folder_of(row).iterdir():
            if fnmatch(path.name, row.pattern) and path.is_file():
                changed = datetime.fromtimestamp(path.stat().st_mtime, now.tzinfo)
                if changed <= now - STILL_WRITTEN and path.resolve().is_relative_to(root):
                    files.append((changed, path.name, path))
    except OSError as error:
        raise NotReadable(f"{row.folder or '.'} cannot be read: {error.strerror}.") from error
    for _changed, name, path in sorted(files)[-MAX_FILES:]:
        yield _read(name, path)


def _read(name: str, path: Path) -> FoundFile:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return FoundFile(name, fault=f"has more than {MAX_FILE_BYTES:,} bytes")
        return FoundFile(name, path.read_bytes())
    except OSError as error:
        return FoundFile(name, fault=f"cannot be read: {error.strerror}")


def _at_address(row: RepeatingImport, fetch: Fetch) -> Iterator[FoundFile]:
    try:
        answer = fetch(row.address, method="GET", seconds=FETCH_SECONDS, limit=MAX_FILE_BYTES)
    except (outbound.AddressRefused, outbound.Unreachable, outbound.ResponseTooLarge) as error:
        raise NotReadable(str(error)) from error
    if answer.status != 200:
        raise NotReadable(f"The address answered {answer.status}.")
    yield FoundFile(row.name, answer.body)  # the address is a secret, its path too
