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

from aethercrown.crypto.keyring import Ring, UnknownKek

KEY_BYTES = 32
NONCE_BYTES = 12
Randomness = Callable[[int], bytes]


class Unreadable(ValueError):
    """It was changed, moved to another row, or its KEK is another one under the same name."""


@dataclass(frozen=True, slots=True)
class Place:
    """The one row that a box belongs to."""

    owner: UUID
    number: int
    kind: str

    @property
    def name(self) -> bytes:
        """What is authenticated; `kind`, the one part of free text, comes last."""
        return f"v1|{self.owner}|{self.number}|{self.kind}".encode()


@dataclass(frozen=True, slots=True)
class Box:
    """A ciphertext, its wrapped data key, and the name of the KEK that unwraps it."""

    kek_id: str
    wrapped: bytes
    sealed: bytes


def seal(secret: str, place: Place, ring: Ring, randomness: Randomness = os.urandom) -> Box:
    """Encrypt `secret` for `place` under the active KEK of the ring."""
    key = randomness(KEY_BYTES)
    sealed = locked(key, secret.encode(), place.name, randomness)
    return Box(ring.active, wrap(key, place, ring, randomness), sealed)


def opened(box: Box, place: Place, ring: Ring) -> str:
    """What was sealed; Unreadable where it is not as it was, UnknownKek without its KEK."""
    return unlocked(unwrapped(box, place, ring), box.sealed, place.name).decode()


def rewrapped(box: Box, place: Place, ring: Ring, randomness: Randomness = os.urandom) -> Box:
    """The same ciphertext, its data key wrapped by the active KEK."""
    key = unwrapped(box, place, ring)
    return replace(box, kek_id=ring.active, wrapped=wrap(key, place, ring, randomness))


def wrap(key: bytes, place: Place, ring: Ring, randomness: Randomness) -> bytes:
    return locked(ring.key(ring.active), key, naming(place, ring.active), randomness)


def unwrapped(box: Box, place: Place, ring: Ring) -> bytes:
    return unlocked(ring.key(box.kek_id), box.wrapped, naming(place, box.kek_id))


def naming(place: Place, kek_id: str) -> bytes:
    """What a wrap authenticates: its place, and the KEK's name."""
    return place.name + f"|{kek_id}".encode()


def locked(key: bytes, plain: bytes, bound: bytes, randomness: Randomness) -> bytes:
    """Nonce and ciphertext in one."""
    nonce = randomness(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def unlocked(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise Unreadable(
            "A secret cannot be opened: it was changed or moved, or its key-encryption key is "
            "not the one that sealed it."
        ) from error


__all__ = ["Box", "Place", "UnknownKek", "Unreadable", "opened", "rewrapped", "seal"]
