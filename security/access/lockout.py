"""Limits on wrong passwords, and how a user name that was tried is stored. Pure.

Five failures from one address close a name for a quarter of an hour (counted by django-axes);
thirty an hour from all addresses together close it too (counted by a token bucket). So does an
address from which thirty failed, whatever the names; it gets one try a minute then. All reopen by
themselves: a lock that only an administrator opens could be used to lock people out.
"""

import hashlib

MAX_FAILURES = 5
LOCKOUT_MINUTES = 15
MAX_FAILURES_PER_HOUR = 30
MAX_FAILURES_PER_ADDRESS = 30
ADDRESS_TRIES_PER_HOUR = 60  # after those


def username_digest(username: str) -> str:
    """What is stored of a name that was tried: people type passwords into that field too."""
    return hashlib.sha256(username.strip().lower().encode(errors="replace")).hexdigest()[:32]
