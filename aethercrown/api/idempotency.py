"""Idempotency keys: a repeated POST takes effect once and gets the first answer again.

A claimed key is a row, unique on (principal, key) and committed before the work starts. The
response is written into that row in the same transaction as the work itself, so a crash cannot
repeat the work. After a crash before that, the key is free again after `LEASE`. Further calls with
the key wait up to WAIT_SECONDS for the response of the first.

Where the work commits in several steps, its outcome is unknown if the response was not stored. The
services note what they commit in `effect`, and a repeat is answered from that.

A response with a secret is stored without it and, for SECRET_RETENTION, whole but encrypted, so
that a caller whose connection broke gets the secret by repeating the call.
"""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F

from aethercrown.api.errors import Conflict
from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.db.bulk import forget
from aethercrown.models import IdempotencyRecord

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LEASE = timedelta(seconds=90)  # above every time limit of a request
RETENTION = timedelta(hours=24)
SECRET_RETENTION = timedelta(minutes=15)  # how long a replay still has the secret
GONE_MESSAGE = "The secret was shown before and is no longer kept: rotate the key to get a new one."
BATCH = 1_000
WAIT_SECONDS, POLL_SECONDS = 10.0, 0.05
Clock = Callable[[], datetime]
_KEY = re.compile(r"[ -~]{1,255}")


class IdempotencyInProgress(Conflict):
    """The first call with this key is still running."""

    default_detail = "The first call with this Idempotency-Key is still at work; try again shortly."
    default_code = "idempotency_in_flight"
    wait = 1


class IdempotencyLeaseLost(Conflict):
    """The work took longer than its lease and another call took over; it is rolled back."""

    default_detail = "This call took too long, and another with its Idempotency-Key took over."
    default_code = "idempotency_overtaken"


def is_key(text: str) -> bool:
    """Whether it has 1 to 255 printable ASCII characters."""
    return bool(_KEY.fullmatch(text))


def digest(method: str, path: str, content: Mapping[str, Any]) -> str:
    """SHA-256 of a call: names in any order, numbers by value."""
    text = json.dumps([method, path, canonical(content)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """The value with numbers and texts marked: 120 and 120.0 are one, "120" is another."""
    if isinstance(value, dict):
        return {name: canonical(each) for name, each in value.items()}
    if isinstance(value, list):
        return [canonical(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        return f"n{number.normalize() if number else 0}"
    return f"s{value}"


def claim_or_wait(
    principal: str,
    key: str,
    digest: str,
    *,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
) -> IdempotencyRecord:
    """As `claim_key`, but wait up to WAIT_SECONDS for a first call that is running."""
    ends = clock() + timedelta(seconds=WAIT_SECONDS)
    while True:
        try:
            return claim_key(principal, key, digest, clock())
        except IdempotencyInProgress:
            if clock() >= ends:
                raise
        sleep(POLL_SECONDS)


def claim_key(principal: str, key: str, digest: str, now: datetime) -> IdempotencyRecord:
    """Claim the key. A returned row with a status has the first response, to be replayed.

    One with an `effect` has none, but its work was committed: it is not to be done again.

    Raises Conflict if the key was used for another call, IdempotencyInProgress while the first call
    is running.
    """
    fresh = {
        "digest": digest,
        "token": uuid.uuid4().hex,
        "lease_until": now + LEASE,
        "status": None,
        "body": "",
        "sealed": "",
        "effect": None,
        "created_at": now,
    }
    row, made = IdempotencyRecord.objects.get_or_create(
        principal=principal, key=key, defaults=fresh
    )
    if made:
        return row
    expired = row.created_at <= now - RETENTION
    if not expired and row.digest != digest:
        raise Conflict(
            "This Idempotency-Key was used for another call; use a new one.",
            code="idempotency_key_reused",
        )
    if not expired and row.status is not None:
        return row
    if not expired and row.lease_until > now:
        raise IdempotencyInProgress
    if not expired:
        fresh["effect"] = row.effect
    mine = IdempotencyRecord.objects.filter(pk=row.pk, token=row.token)
    if not mine.update(**fresh):
        raise IdempotencyInProgress
    return IdempotencyRecord(pk=row.pk, principal=principal, key=key, **fresh)


def record_effect(row: IdempotencyRecord, effect: Mapping[str, Any]) -> None:
    """Note what is being committed. Raises IdempotencyLeaseLost, to roll it back."""
    mine = IdempotencyRecord.objects.filter(pk=row.pk, token=row.token, status=None)
    if not mine.update(effect=dict(effect)):
        raise IdempotencyLeaseLost


def store_response(
    row: IdempotencyRecord, status: int, body: str, secrets: frozenset[str] = frozenset()
) -> None:
    """Store the response. Raises IdempotencyLeaseLost, to roll back, if the claim was lost.

    Values in the JSON `body` under one of the names `secrets` are stored encrypted only.
    """
    sealed = ""
    if secrets and (bare := strip_secrets(json.loads(body), secrets)) != json.loads(body):
        sealed, body = sealing.seal(body, about(row)), json.dumps(bare)
    mine = IdempotencyRecord.objects.filter(pk=row.pk, token=row.token)
    if not mine.update(status=status, body=body, sealed=sealed):
        raise IdempotencyLeaseLost


def about(row: IdempotencyRecord) -> str:
    return f"reply:{row.pk}:{row.token}"


def replay_body(row: IdempotencyRecord, now: datetime) -> str:
    """The first response: with its secrets during SECRET_RETENTION, with null after it."""
    if row.sealed and now < row.created_at + SECRET_RETENTION:
        with suppress(DecryptionFailed):
            return sealing.unseal(row.sealed, about(row))
    return row.body


def release_key(row: IdempotencyRecord) -> None:
    """Release the key if no work was committed; otherwise a repeat finds out what was."""
    mine = IdempotencyRecord.objects.filter(pk=row.pk, token=row.token, status=None)
    mine.filter(effect__isnull=True).delete()
    mine.update(lease_until=F("created_at"))


def purge(now: datetime) -> int:
    """Delete responses older than RETENTION; returns how many."""
    return forget(IdempotencyRecord.objects.filter(created_at__lte=now - RETENTION), BATCH)


def forget_secrets(now: datetime) -> int:
    """Delete the encrypted responses after SECRET_RETENTION; returns how many."""
    over = IdempotencyRecord.objects.filter(created_at__lte=now - SECRET_RETENTION).exclude(
        sealed=""
    )
    return over.update(sealed="")


def strip_secrets(content: Any, names: frozenset[str]) -> Any:
    """A copy with null under each of `names`, at any depth, and `action_required` beside it."""
    if isinstance(content, dict):
        bare = {
            name: None if name in names else strip_secrets(each, names)
            for name, each in content.items()
        }
        if any(content.get(name) is not None for name in names):
            given = content.get("action_required")
            bare["action_required"] = f"{given} {GONE_MESSAGE}" if given else GONE_MESSAGE
        return bare
    if isinstance(content, list):
        return [strip_secrets(each, names) for each in content]
    return content
