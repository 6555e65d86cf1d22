"""A sealed stream: chunks of AES-256-GCM that cannot be changed, cut short or put in another order.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015): each chunk's nonce holds
its number and whether it is the last. Without a key the bytes stand as they are, behind another
first line.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEALED, PLAIN = b"aethercrown backup 1 sealed\n", b"aethercrown backup 1 plain\n"
CHUNK = 1024 * 1024
SALT, PREFIX, TAG = 32, 7, 16
SHORTEST_KEY = 32


class ArchiveDamaged(ValueError):
    """The file is no back-up, was changed or cut short, or needs another key."""


class EncryptingWriter:
    """Writes a sealed stream to `file`; what was written counts only once it is closed."""

    def __init__(self, file: BinaryIO, key: str) -> None:
        self._file, self._waiting, self._number = file, bytearray(), 0
        self._box: AESGCM | None = None
        if key:
            salt, self._prefix = os.urandom(SALT), os.urandom(PREFIX)
            self._box = _box(key, salt)
            file.write(SEALED + salt + self._prefix)
        else:
            file.write(PLAIN)

    def write(self, data: bytes) -> int:
        if self._box is None:
            return self._file.write(data)
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._put(self._box, bytes(self._waiting[:CHUNK]), is_last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def flush(self) -> None:
        """Nothing leaves before its chunk is full: a half one would be the last."""

    def close(self) -> None:
        if self._box is not None:
            self._put(self._box, bytes(self._waiting), is_last=True)

    def _put(self, box: AESGCM, data: bytes, *, is_last: bool) -> None:
        self._file.write(box.encrypt(_nonce(self._prefix, self._number, is_last), data, None))
        self._number += 1


class DecryptingReader:
    """Reads what a Writer wrote; Damaged as soon as something does not fit."""

    def __init__(self, file: BinaryIO, key: str) -> None:
        first = file.readline(len(SEALED))
        if first not in {SEALED, PLAIN}:
            raise ArchiveDamaged("It is no back-up of AetherCrown.")
        if first == SEALED and not key:
            raise ArchiveDamaged("It is encrypted: BACKUP_KEY is needed to read it.")
        self._parts = _opened(file, key) if first == SEALED else iter(lambda: file.read(CHUNK), b"")
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._left += part
        end = len(self._left) if size < 0 else size
        data, self._left = self._left[:end], self._left[end:]
        return data


def _opened(file: BinaryIO, key: str) -> Iterator[bytes]:
    """The chunks in the clear; each is looked at one ahead, to know which is the last."""
    box, prefix = _box(key, file.read(SALT)), file.read(PREFIX)
    number, chunk = 0, file.read(CHUNK + TAG)
    while True:
        ahead = file.read(CHUNK + TAG)
        try:
            yield box.decrypt(_nonce(prefix, number, not ahead), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise ArchiveDamaged(
                f"Its chunk {number + 1} does not open: the file was changed or cut short, or "
                "BACKUP_KEY is another one than it was made with."
            ) from error
        if not ahead:
            return
        number, chunk = number + 1, ahead


def _box(key: str, salt: bytes) -> AESGCM:
    made = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"aethercrown backup")
    return AESGCM(made.derive(key.encode()))


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:  # noqa: FBT001 - private
    return prefix + number.to_bytes(4, "big") + (b"\x01" if is_last else b"\x00")
