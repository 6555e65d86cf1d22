"""The key-encryption keys (KEKs) of ENCRYPTION_KEYS: `kid:base64`, the active one first. Pure."""

import base64
import binascii
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

KEY_BYTES = 32
KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
MAX_WRAPS = 2**32  # with random nonces under one key: NIST SP 800-38D, section 8.3


class InvalidKeyring(ValueError):
    """ENCRYPTION_KEYS cannot be used; the message never contains a key."""


class DecryptionFailed(ValueError):
    """A ciphertext was changed, belongs to another row, or was made with another key."""


class UnknownKek(DecryptionFailed):
    """A secret is encrypted under a KEK that ENCRYPTION_KEYS does not name."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The KEKs by id (`kid`); `active` wraps new data keys."""

    active: str
    keys: Mapping[str, bytes] = field(repr=False)

    def key(self, kid: str) -> bytes:
        try:
            return self.keys[kid]
        except KeyError:
            raise UnknownKek(
                f"A secret is encrypted under the key-encryption key {kid!r}, and ENCRYPTION_KEYS "
                f"names only {', '.join(self.keys)}: put {kid!r} back until "
                "`manage.py kek_check` shows 0 rows for it."
            ) from None


def parse(text: str, others: Collection[str] = ()) -> Keyring:
    """Read `kid:base64,kid2:base64`. Raises InvalidKeyring, which names the wrong entry.

    `others` are secrets that no KEK may equal, because losing one would lose both.
    """
    keys: dict[str, bytes] = {}
    for number, entry in enumerate((part.strip() for part in text.split(",")), start=1):
        kid, colon, encoded = entry.partition(":")
        if not colon or not KID.fullmatch(kid):
            raise InvalidKeyring(
                f"Entry {number} of ENCRYPTION_KEYS is not of the form kid:base64, its kid of "
                "1 to 40 letters, digits, dots, dashes or underscores."
            )
        if kid in keys:
            raise InvalidKeyring(f"ENCRYPTION_KEYS names {kid!r} twice: give each key its own id.")
        keys[kid] = decode_key(kid, encoded.strip())
        check_not_reused(kid, keys[kid], encoded.strip(), others)
    if len(set(keys.values())) < len(keys):
        raise InvalidKeyring("ENCRYPTION_KEYS has the same key under two ids: make a new one.")
    return Keyring(next(iter(keys)), keys)


def decode_key(kid: str, encoded: str) -> bytes:
    """32 bytes from standard or URL-safe base64, padded or not."""
    plain = encoded.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise InvalidKeyring(f"The key {kid!r} of ENCRYPTION_KEYS is not base64.") from None
    if len(key) != KEY_BYTES:
        raise InvalidKeyring(
            f"The key {kid!r} of ENCRYPTION_KEYS has {len(key)} bytes and must have {KEY_BYTES}: "
            "make one with `openssl rand -base64 32`."
        )
    return key


def check_not_reused(kid: str, key: bytes, encoded: str, others: Collection[str]) -> None:
    if any(other and (other == encoded or other.encode() == key) for other in others):
        raise InvalidKeyring(
            f"The key {kid!r} of ENCRYPTION_KEYS equals SECRET_KEY or the pepper, so that losing "
            "one loses both: give it a value of its own."
        )


def new_entry() -> str:
    """A new random key in the form that ENCRYPTION_KEYS has."""
    return f"k1:{base64.b64encode(os.urandom(KEY_BYTES)).decode('ascii')}"
