"""How many wrong passwords a user name bears, and for how long it is closed then.

From one address: five, and then for a quarter of an hour (django-axes keeps these). From
everywhere together: thirty an hour, in a bucket that fills again by itself. Never for good: a
lock that only an administrator opens would be a weapon against people.
"""

import hashlib

TRIES = 5
MINUTES = 15
IN_AN_HOUR = 30


def who(username: str) -> str:
    """What is kept of a user name that was tried: people type passwords into that field too."""
    return hashlib.sha256(username.strip().lower().encode(errors="replace")).hexdigest()[:32]
