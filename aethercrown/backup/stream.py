"""Encrypted streams: AES-256-GCM in chunks; a change, a cut or another order is detected.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015): each chunk's nonce contains
its number and whether it is the last. Without a key the bytes are written as they are, after
another first line.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ENCRYPTED, PLAIN = b"aethercrown backup 1 sealed\n", b"aethercrown backup 1 plain\n"
CHUNK_BYTES = 1024 * 1024
SALT_BYTES, PREFIX_BYTES, TAG_BYTES = 32, 7, 16


class NotEncrypted(ValueError):
    """A key is set, but the file is not encrypted: anybody could have written it."""


class ArchiveDamaged(ValueError):
    """The file is not a back-up, was changed or cut short, or needs another key."""


class EncryptingWriter:
    """Writes an encrypted stream to `file`, which is complete only after `close`."""

    def __init__(self, file: BinaryIO, key: str) -> None:
        self._file, self._buffer, self._number = file, bytearray(), 0
        self._cipher: AESGCM | None = None
        if key:
            salt, self._prefix = os.urandom(SALT_BYTES), os.urandom(PREFIX_BYTES)
            self._cipher = _cipher(key, salt)
            file.write(ENCRYPTED + salt + self._prefix)
        else:
            file.write(PLAIN)

    def write(self, data: bytes) -> int:
        if self._cipher is None:
            return self._file.write(data)
        self._buffer += data
        while len(self._buffer) > CHUNK_BYTES:
            self._write_chunk(self._cipher, bytes(self._buffer[:CHUNK_BYTES]), is_last=False)
            del self._buffer[:CHUNK_BYTES]
        return len(data)

    def flush(self) -> None:
        """Does nothing: a chunk is written when it is full, as a shorter one would be the last."""

    def close(self) -> None:
        if self._cipher is not None:
            self._write_chunk(self._cipher, bytes(self._buffer), is_last=True)

    def _write_chunk(self, cipher: AESGCM, data: bytes, *, is_last: bool) -> None:
        self._file.write(cipher.encrypt(_nonce(self._prefix, self._number, is_last), data, None))
        self._number += 1


class DecryptingReader:
    """Reads the stream of an EncryptingWriter. Raises ArchiveDamaged, and NotEncrypted.

    With a key a file that is not encrypted is refused, unless `accept_plain`.
    """

    def __init__(self, file: BinaryIO, key: str, *, accept_plain: bool = False) -> None:
        first = file.readline(len(ENCRYPTED))
        if first not in {ENCRYPTED, PLAIN}:
            raise ArchiveDamaged("It is not a back-up of AetherCrown.")
        if first == ENCRYPTED and not key:
            raise ArchiveDamaged("It is encrypted: BACKUP_KEY is needed to read it.")
        if first == PLAIN and key and not accept_plain:
            raise NotEncrypted(
                "It is not encrypted, although BACKUP_KEY is set, so anybody could have written "
                "it. Give --unencrypted if it is yours."
            )
        self._chunks = (
            _decrypt(file, key) if first == ENCRYPTED else iter(lambda: file.read(CHUNK_BYTES), b"")
        )
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        end = len(self._rest) if size < 0 else size
        data, self._rest = self._rest[:end], self._rest[end:]
        return data


def _decrypt(file: BinaryIO, key: str) -> Iterator[bytes]:
    """The decrypted chunks; one is read ahead, to know which is the last."""
    cipher, prefix = _cipher(key, file.read(SALT_BYTES)), file.read(PREFIX_BYTES)
    number, chunk = 0, file.read(CHUNK_BYTES + TAG_BYTES)
    while True:
        ahead = file.read(CHUNK_BYTES + TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(prefix, number, not ahead), chunk, None)
        except (InvalidTag, ValueError) as error:
            raise ArchiveDamaged(
                f"Its chunk {number + 1} cannot be decrypted: the file was changed or cut short, "
                "or made with another BACKUP_KEY."
            ) from error
        if not ahead:
            return
        number, chunk = number + 1, ahead


def _cipher(key: str, salt: bytes) -> AESGCM:
    made = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"aethercrown backup")
    return AESGCM(made.derive(key.encode()))


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:  # noqa: FBT001 - private
    return prefix + number.to_bytes(4, "big") + (b"\x01" if is_last else b"\x00")
