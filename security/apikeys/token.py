"""The text of a key: `<prefix>_live_`, 43 base62 digits of 256 random bits, 6 of a checksum.

The checksum detects a mistyped or cut key without a query, and lets a secret scanner report only
real keys. Pure.
"""

import hmac
import re
import secrets
import string
import zlib
from collections.abc import Callable
from hashlib import sha256

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
BODY_DIGITS = 43  # 62 ** 43 is just above 2 ** 256
CHECKSUM_DIGITS = 6  # 62 ** 6 is above 2 ** 32
PATTERN = re.compile(
    rf"[a-z][a-z0-9]{{0,11}}_live_[0-9A-Za-z]{{{BODY_DIGITS + CHECKSUM_DIGITS}}}", re.ASCII
)
PREFIX = re.compile(r"[a-z][a-z0-9]{0,11}", re.ASCII)


def generate(prefix: str, randomness: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new key. Raises ValueError where `prefix` is not 1 to 12 lower-case letters and digits."""
    if not PREFIX.fullmatch(prefix):
        raise ValueError(
            f"API_KEY_PREFIX is {prefix!r}: use 1 to 12 lower-case letters and digits, "
            "a letter first."
        )
    start = f"{prefix}_live_{base62(int.from_bytes(randomness(32)), BODY_DIGITS)}"
    return start + checksum(start)


def is_well_formed(text: str) -> bool:
    """Whether `text` has the form of a key and a right checksum; not whether the key is valid."""
    return (
        PATTERN.fullmatch(text) is not None
        and checksum(text[:-CHECKSUM_DIGITS]) == text[-CHECKSUM_DIGITS:]
    )


def digest(text: str, pepper: str) -> str:
    """HMAC-SHA256 in 64 hexadecimal digits, by which a key is stored and found.

    A slow hash is not needed, as nobody guesses 256 random bits; every request computes this.
    """
    return hmac.digest(pepper.encode(), text.encode(), sha256).hex()


def pepper_id(pepper: str) -> str:
    """8 hexadecimal digits that identify the pepper and do not reveal it."""
    return hmac.digest(pepper.encode(), b"mark of an API key pepper", sha256).hex()[:8]


def checksum(text: str) -> str:
    return base62(zlib.crc32(text.encode()), CHECKSUM_DIGITS)


def base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
