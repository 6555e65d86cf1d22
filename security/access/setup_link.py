"""The token of the set-up link: 256 random bits, stored as a digest, valid for 15 minutes. Pure."""

import hashlib
import secrets
from datetime import timedelta

LIFETIME_MINUTES = 15
LIFETIME = timedelta(minutes=LIFETIME_MINUTES)


def new_token() -> str:
    """43 characters that may stand in a URL."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """A plain hash is enough: nobody guesses 256 bits."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
