"""The text of a key: `<prefix>_live_`, 43 base62 digits of 256 random bits, 6 of a checksum.

The checksum tells a mistyped or cut key from a real one without asking the database, and lets
a secret scanner report only real keys.
"""

import hmac
import re
import secrets
import string
import zlib
from collections.abc import Callable
from hashlib import sha256

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
BODY = 43  # 62 ** 43 is just above 2 ** 256
CHECK = 6  # 62 ** 6 is above 2 ** 32
PATTERN = re.compile(rf"[a-z][a-z0-9]{{0,11}}_live_[0-9A-Za-z]{{{BODY + CHECK}}}", re.ASCII)
PREFIX = re.compile(r"[a-z][a-z0-9]{0,11}", re.ASCII)


def mint(prefix: str, randomness: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new key; ValueError where `prefix` is not 1 to 12 lower-case letters and digits."""
    if not PREFIX.fullmatch(prefix):
        raise ValueError(
            f"API_KEY_PREFIX is {prefix!r}: use 1 to 12 lower-case letters and digits, "
            "a letter first."
        )
    start = f"{prefix}_live_{base62(int.from_bytes(randomness(32)), BODY)}"
    return start + checksum(start)


def genuine(text: str) -> bool:
    """Has `text` the form of a key, and does its checksum fit? Says nothing of its validity."""
    return PATTERN.fullmatch(text) is not None and checksum(text[:-CHECK]) == text[-CHECK:]


def digest(text: str, pepper: str) -> str:
    """What is stored and looked up: HMAC-SHA256, 64 hexadecimal digits.

    No slow hash: 256 random bits cannot be guessed, and every request pays for this.
    """
    return hmac.digest(pepper.encode(), text.encode(), sha256).hex()


def mark(pepper: str) -> str:
    """A name for the pepper that tells nothing of it: 8 hexadecimal digits."""
    return hmac.digest(pepper.encode(), b"mark of an API key pepper", sha256).hex()[:8]


def checksum(text: str) -> str:
    return base62(zlib.crc32(text.encode()), CHECK)


def base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
