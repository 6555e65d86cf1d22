"""Secrets at rest: encrypted and authenticated, readable only with the platform's own key.

Fernet (AES-128-CBC with HMAC-SHA256), under a key derived from the text that the settings hold.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken


class Unreadable(ValueError):
    """It was sealed under another key, or was changed."""


def seal(secret: str, key: str) -> str:
    return _box(key).encrypt(secret.encode()).decode("ascii")


def opened(token: str, key: str) -> str:
    """What was sealed; Unreadable under another key."""
    try:
        return _box(key).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Unreadable(
            "The secret was sealed under another ALERT_SEALING_KEY: enter it again."
        ) from error


def _box(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
