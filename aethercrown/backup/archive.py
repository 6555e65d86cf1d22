"""The back-up file: a compressed tar whose first member is the manifest."""

import gzip
import io
import os
import re
import secrets
import tarfile
from collections.abc import Mapping
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import IO

from aethercrown.backup import manifest
from aethercrown.backup.manifest import Manifest, MemberDigest
from aethercrown.backup.stream import (
    ArchiveDamaged,
    DecryptingReader,
    EncryptingWriter,
    NotEncrypted,
)

MANIFEST = "manifest.json"
FILE_MODE = 0o600
MEMBER_NAME = re.compile(r"(?:[a-z]+/)?[a-z0-9][a-z0-9._-]*")  # no path out of the folder


def write(
    target: Path,
    contents: Manifest,
    files: Mapping[str, Path],
    key: str,
    work: Path | None = None,
) -> None:
    """Write and verify a file in `work`, and rename it to `target` last. Raises ArchiveDamaged.

    `work` is a folder of the same file system; the target's if none is given.
    """
    draft = (work or target.parent) / f".{target.name}.{secrets.token_hex(4)}.partial"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            _write_tar(EncryptingWriter(file, key), contents, files)
            file.flush()
            os.fsync(handle)
        if unpack(draft, key) != contents:
            raise ArchiveDamaged("The written file differs when it is read back.")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _write_tar(stream: EncryptingWriter, contents: Manifest, files: Mapping[str, Path]) -> None:
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        text = contents.text().encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size, head.mode = len(text), FILE_MODE
        tar.addfile(head, io.BytesIO(text))
        for name, path in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = path.stat().st_size, FILE_MODE
            with path.open("rb") as source:
                tar.addfile(entry, source)
    stream.close()


def unpack(
    path: Path, key: str, folder: Path | None = None, *, accept_plain: bool = False
) -> Manifest:
    """Read the whole file and compare each digest; write the members into `folder` if given.

    Raises ArchiveDamaged, and NotEncrypted unless `accept_plain`.
    """
    try:
        with path.open("rb") as file:
            reader = DecryptingReader(file, key, accept_plain=accept_plain)
            with tarfile.open(fileobj=reader, mode="r|gz") as tar:  # type: ignore[call-overload]  # a stream needs read() only
                contents = _read_tar(tar, folder)
            while reader.read(1024 * 1024):
                pass  # to its end: only the last chunk shows that the file is complete
            return contents
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, ArchiveDamaged | NotEncrypted | FileNotFoundError | PermissionError):
            raise
        raise ArchiveDamaged(f"It cannot be read: {error}") from error


def _read_tar(tar: tarfile.TarFile, folder: Path | None) -> Manifest:
    contents: Manifest | None = None
    seen = set()
    for entry in tar:
        source = tar.extractfile(entry)
        if source is None or (contents is None) != (entry.name == MANIFEST):
            raise ArchiveDamaged(f"{entry.name} does not belong in a back-up.")
        if contents is None:
            contents = manifest.read(source.read().decode())
            continue
        wanted = contents.members.get(entry.name) if MEMBER_NAME.fullmatch(entry.name) else None
        if wanted is None or _copy(source, folder and folder / entry.name) != wanted:
            raise ArchiveDamaged(f"{entry.name} differs from the manifest.")
        seen.add(entry.name)
    if contents is None or seen != set(contents.members):
        raise ArchiveDamaged("It is incomplete.")
    return contents


def _copy(source: IO[bytes], target: Path | None) -> MemberDigest:
    """Copy `source` to `target`, if given; its size and digest."""
    digest, size = sha256(), 0
    with ExitStack() as stack:
        file = None
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(target.open("xb"))
        while block := source.read(1024 * 1024):
            digest.update(block)
            size += len(block)
            if file is not None:
                file.write(block)
    return MemberDigest(size, digest.hexdigest())
