"""The verifier that PostgreSQL keeps of a password, made by the client (RFC 5802, RFC 7677).

ALTER ROLE with a verifier instead of a password keeps the password out of the server's logs
and statistics. Passwords that are made here are plain ASCII, so SASLprep changes nothing.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable

ITERATIONS = 4096  # PostgreSQL's own; a random password of 256 bits needs no more
SALT_BYTES = 16


def verifier(
    password: str,
    randomness: Callable[[int], bytes] = os.urandom,
    iterations: int = ITERATIONS,
) -> str:
    """SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey; ValueError for other than ASCII."""
    if not (password.isascii() and password.isprintable()):
        raise ValueError("The password has characters other than printable ASCII.")
    salt = randomness(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
