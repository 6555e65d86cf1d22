"""The back-up as one file: the manifest first, then what it names."""

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
from aethercrown.backup.stream import ArchiveDamaged, DecryptingReader, EncryptingWriter

MANIFEST = "manifest.json"
PRIVATE = 0o600
NAMES = re.compile(r"(?:[a-z]+/)?[a-z0-9][a-z0-9._-]*")  # nothing that leads out of the folder


def write(target: Path, contents: Manifest, files: Mapping[str, Path], key: str) -> None:
    """Write it under another name, on disk and read back whole, before it gets its own."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(handle, "wb") as file:
            _fill(EncryptingWriter(file, key), contents, files)
            file.flush()
            os.fsync(handle)
        if verify(draft, key) != contents:
            raise ArchiveDamaged("What was written is not what is read back.")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def verify(path: Path, key: str) -> Manifest:
    """Read everything and compare each digest; nothing is kept. Damaged says what is wrong."""
    return _unpacked(path, key, None)


def unpack(path: Path, key: str, folder: Path) -> Manifest:
    """The same, and put the files into `folder`."""
    return _unpacked(path, key, folder)


def _fill(stream: EncryptingWriter, contents: Manifest, files: Mapping[str, Path]) -> None:
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        text = contents.text().encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size, head.mode = len(text), PRIVATE
        tar.addfile(head, io.BytesIO(text))
        for name, path in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = path.stat().st_size, PRIVATE
            with path.open("rb") as source:
                tar.addfile(entry, source)
    stream.close()


def _unpacked(path: Path, key: str, folder: Path | None) -> Manifest:
    try:
        with path.open("rb") as file:
            reader = DecryptingReader(file, key)
            with tarfile.open(fileobj=reader, mode="r|gz") as tar:  # type: ignore[call-overload]  # a stream needs read() only
                contents = _read(tar, folder)
            while reader.read(1024 * 1024):
                pass  # to its end: the last chunk says that none was cut off
            return contents
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        if isinstance(error, ArchiveDamaged | FileNotFoundError | PermissionError):
            raise
        raise ArchiveDamaged(f"It cannot be read: {error}") from error


def _read(tar: tarfile.TarFile, folder: Path | None) -> Manifest:
    contents: Manifest | None = None
    seen = set()
    for entry in tar:
        source = tar.extractfile(entry)
        if source is None or (contents is None) != (entry.name == MANIFEST):
            raise ArchiveDamaged(f"{entry.name} has no place in a back-up.")
        if contents is None:
            contents = manifest.read(source.read().decode())
            continue
        wanted = contents.members.get(entry.name) if NAMES.fullmatch(entry.name) else None
        if wanted is None or _copied(source, folder and folder / entry.name) != wanted:
            raise ArchiveDamaged(f"{entry.name} is not what the manifest says.")
        seen.add(entry.name)
    if contents is None or seen != set(contents.members):
        raise ArchiveDamaged("It is not complete.")
    return contents


def _copied(source: IO[bytes], target: Path | None) -> MemberDigest:
    """Size and digest of what is read, which also goes to `target` if there is one."""
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
