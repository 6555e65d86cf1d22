"""One sealed secret: a data key of its own seals it, the KEK wraps the data key.

AES-256-GCM with random 96-bit nonces (NIST SP 800-38D). What a box belongs to is authenticated
with it, so a ciphertext that was moved to another row does not open.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aethercrown.crypto.keyring import Keyring, UnknownKek

KEY_BYTES = 32
NONCE_BYTES = 12
RandomBytes = Callable[[int], bytes]


class DecryptionFailed(ValueError):
    """It was changed, moved to another row, or its KEK is another one under the same name."""


@dataclass(frozen=True, slots=True)
class EncryptionContext:
    """The one row that a box belongs to."""

    owner: UUID
    number: int
    kind: str

    @property
    def name(self) -> bytes:
        """What is authenticated; `kind`, the one part of free text, comes last."""
        return f"v1|{self.owner}|{self.number}|{self.kind}".encode()


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """A ciphertext, its wrapped data key, and the name of the KEK that unwraps it."""

    kek_id: str
    wrapped: bytes
    sealed: bytes


def seal(
    secret: str, place: EncryptionContext, ring: Keyring, randomness: RandomBytes = os.urandom
) -> Ciphertext:
    """Encrypt `secret` for `place` under the active KEK of the ring."""
    key = randomness(KEY_BYTES)
    sealed = encrypt(key, secret.encode(), place.name, randomness)
    return Ciphertext(ring.active, wrap_key(key, place, ring, randomness), sealed)


def unseal(box: Ciphertext, place: EncryptionContext, ring: Keyring) -> str:
    """What was sealed; Unreadable where it is not as it was, UnknownKek without its KEK."""
    return decrypt(unwrap_key(box, place, ring), box.sealed, place.name).decode()


def rewrap(
    box: Ciphertext, place: EncryptionContext, ring: Keyring, randomness: RandomBytes = os.urandom
) -> Ciphertext:
    """The same ciphertext, its data key wrapped by the active KEK."""
    key = unwrap_key(box, place, ring)
    return replace(box, kek_id=ring.active, wrapped=wrap_key(key, place, ring, randomness))


def wrap_key(key: bytes, place: EncryptionContext, ring: Keyring, randomness: RandomBytes) -> bytes:
    return encrypt(ring.key(ring.active), key, naming(place, ring.active), randomness)


def unwrap_key(box: Ciphertext, place: EncryptionContext, ring: Keyring) -> bytes:
    return decrypt(ring.key(box.kek_id), box.wrapped, naming(place, box.kek_id))


def naming(place: EncryptionContext, kek_id: str) -> bytes:
    """What a wrap authenticates: its place, and the KEK's name."""
    return place.name + f"|{kek_id}".encode()


def encrypt(key: bytes, plain: bytes, bound: bytes, randomness: RandomBytes) -> bytes:
    """Nonce and ciphertext in one."""
    nonce = randomness(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed(
            "A secret cannot be opened: it was changed or moved, or its key-encryption key is "
            "not the one that sealed it."
        ) from error


__all__ = [
    "Ciphertext",
    "EncryptionContext",
    "UnknownKek",
    "DecryptionFailed",
    "unseal",
    "rewrap",
    "seal",
]
