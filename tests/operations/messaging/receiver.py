"""What the receiver of a webhook checks, as docs/alerts.md tells it to."""

import hmac
from hashlib import sha256

MAX_AGE_SECONDS = 300


def is_valid(secret, timestamp, body, given, now):
    """Whether the signature is right and recent."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    right = hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()
    is_fresh = abs(now.timestamp() - int(timestamp)) <= MAX_AGE_SECONDS
    return hmac.compare_digest(right.encode(), given.encode("utf-8", "replace")) and is_fresh
