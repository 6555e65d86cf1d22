"""The token of the set-up link: 256 random bits, kept as a digest, good for 15 minutes."""

import hashlib
import secrets
from datetime import timedelta

MINUTES = 15
LIFE = timedelta(minutes=MINUTES)


def new_token() -> str:
    """43 characters that can stand in an address."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of it. A plain hash is enough: nobody guesses 256 bits."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
