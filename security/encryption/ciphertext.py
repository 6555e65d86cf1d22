"""One encrypted secret: a data key of its own encrypts it, and a KEK wraps the data key. Pure.

AES-256-GCM with random 96-bit nonces (NIST SP 800-38D). The row that a ciphertext belongs to is
authenticated with it (as additional data), so a ciphertext that was moved to another row does
not decrypt.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aethercrown.crypto.keyring import KEY_BYTES, DecryptionFailed, Keyring

NONCE_BYTES = 12
RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class EncryptionContext:
    """The one row that a ciphertext belongs to."""

    owner: UUID
    number: int
    kind: str

    @property
    def aad(self) -> bytes:
        """The additional authenticated data; `kind`, the one part of free text, comes last."""
        return f"v1|{self.owner}|{self.number}|{self.kind}".encode()

    def wrap_aad(self, kek_id: str) -> bytes:
        """The additional authenticated data of the wrapped data key."""
        return self.aad + f"|{kek_id}".encode()


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """An encrypted secret, its wrapped data key, and the id of the KEK that unwraps it."""

    kek_id: str
    wrapped: bytes
    sealed: bytes

    def to_text(self) -> str:
        """As a text column stores it: JSON [kek_id, wrapped, sealed] with base64."""
        parts = [b64encode(each).decode() for each in (self.wrapped, self.sealed)]
        return json.dumps([self.kek_id, *parts])


def from_text(text: str) -> Ciphertext:
    """The reverse of `to_text`. Raises DecryptionFailed for any other text."""
    try:
        kek_id, wrapped, sealed = json.loads(text)
        return Ciphertext(str(kek_id), b64decode(wrapped), b64decode(sealed))
    except (TypeError, ValueError) as error:
        raise DecryptionFailed("A stored secret is not of the form that was written.") from error


def seal(
    secret: str,
    context: EncryptionContext,
    keyring: Keyring,
    random_bytes: RandomBytes = os.urandom,
) -> Ciphertext:
    """Encrypt `secret` for `context` under the active KEK."""
    key = random_bytes(KEY_BYTES)
    sealed = encrypt(key, secret.encode(), context.aad, random_bytes)
    return Ciphertext(keyring.active, wrap_key(key, context, keyring, random_bytes), sealed)


def unseal(ciphertext: Ciphertext, context: EncryptionContext, keyring: Keyring) -> str:
    """The secret. Raises DecryptionFailed, and UnknownKek where its KEK is missing."""
    key = unwrap_key(ciphertext, context, keyring)
    return decrypt(key, ciphertext.sealed, context.aad).decode()


def rewrap(
    ciphertext: Ciphertext,
    context: EncryptionContext,
    keyring: Keyring,
    random_bytes: RandomBytes = os.urandom,
) -> Ciphertext:
    """The same ciphertext, its data key wrapped by the active KEK."""
    key = unwrap_key(ciphertext, context, keyring)
    wrapped = wrap_key(key, context, keyring, random_bytes)
    return replace(ciphertext, kek_id=keyring.active, wrapped=wrapped)


def wrap_key(
    key: bytes, context: EncryptionContext, keyring: Keyring, random_bytes: RandomBytes
) -> bytes:
    kid = keyring.active
    return encrypt(keyring.key(kid), key, context.wrap_aad(kid), random_bytes)


def unwrap_key(ciphertext: Ciphertext, context: EncryptionContext, keyring: Keyring) -> bytes:
    kid = ciphertext.kek_id
    return decrypt(keyring.key(kid), ciphertext.wrapped, context.wrap_aad(kid))


def encrypt(key: bytes, plain: bytes, aad: bytes, random_bytes: RandomBytes) -> bytes:
    """The nonce, followed by the AES-GCM ciphertext with its tag."""
    nonce = random_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, aad)


def decrypt(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed(
            "A secret cannot be decrypted: it was changed or moved, or its key-encryption key is "
            "not the one that encrypted it."
        ) from error
