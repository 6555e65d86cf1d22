"""Signatures of webhooks: HMAC-SHA256 over the time and the body.

A receiver computes `sign(secret, timestamp, body)` and compares in constant time; it refuses what
is older than five minutes, and drops an event id that it has seen.
"""

import hashlib
import hmac
from datetime import datetime


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
