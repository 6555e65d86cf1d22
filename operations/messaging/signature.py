"""Signatures of webhooks: HMAC-SHA256 over the time and the body.

A receiver computes `sign(secret, timestamp, body)` and compares in constant time; it refuses what
is older than five minutes, and drops an event id that it has seen.
"""

import hashlib
import hmac
from datetime import datetime

MAX_AGE_SECONDS = 300


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature, in hexadecimal, over `timestamp.body`."""
    signed = timestamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers(secret: str, event: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a webhook."""
    timestamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "X-Event-Id": event,
        "X-Timestamp": timestamp,
        "X-Signature": sign(secret, timestamp, body),
    }


def is_valid(secret: str, timestamp: str, body: bytes, given: str, now: datetime) -> bool:
    """What a receiver checks: the signature, and that it is recent."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    is_fresh = abs(now.timestamp() - int(timestamp)) <= MAX_AGE_SECONDS
    expected = sign(secret, timestamp, body)
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")) and is_fresh
