"""Encrypt secrets; count the data keys that each KEK has wrapped, and check it by its canary."""

import os
from threading import Lock

from django.db import connection
from django.db.models import F
from django.utils import timezone

from aethercrown.crypto.keyring import MAX_WRAPS, Keyring
from security.encryption import ciphertext
from security.encryption.ciphertext import Ciphertext, EncryptionContext
from security.encryption.models import Kek
from security.encryption.reports import keyring
from security.encryption.reports.keks import canary_aad, check_canary

RESERVED_WRAPS = 4_096  # reserved by a process at once, so that not every call writes the counter
CANARY = b"canary"


class KekExhausted(Exception):
    """A KEK has wrapped as many data keys as one key may: a new one must come first."""


def seal(secret: str, context: EncryptionContext) -> Ciphertext:
    """Encrypt for a row, best outside a transaction. Raises WrongKek and KekExhausted."""
    reserve_wraps(1)
    return ciphertext.seal(secret, context, keyring())


def seal_many(items: list[tuple[str, EncryptionContext]]) -> list[Ciphertext]:
    """Encrypt many secrets at once."""
    reserve_wraps(len(items))
    known = keyring()
    return [ciphertext.seal(secret, context, known) for secret, context in items]


def reserve_wraps(count: int) -> None:
    """Count wraps against the limit of the active KEK.

    Outside a transaction a block of RESERVED_WRAPS; within one exactly `count`, as a rollback
    would undo the counting. Raises WrongKek and KekExhausted.
    """
    known = keyring()
    verify_canaries(known)
    if _reserved.take(known.active, count):
        return
    block = count if connection.in_atomic_block else max(RESERVED_WRAPS, count)
    if not _add_wraps(known.active, block):
        _create_canary(known, known.active)
        if not _add_wraps(known.active, block):
            raise KekExhausted(
                f"The key-encryption key {known.active!r} has made 2^32 wraps: put a new one "
                "first in ENCRYPTION_KEYS and run `manage.py rewrap_keys`."
            )
    _reserved.give(known.active, block - count)


def verify_canaries(known: Keyring) -> None:
    """Decrypt each KEK's canary, once in each process; a new KEK gets one. Raises WrongKek."""
    if known.keys == _verified.get("keys"):
        return
    for kid in known.keys:
        kek = Kek.objects.filter(kid=kid).first()
        if kek is None:
            _create_canary(known, kid)
        else:
            check_canary(known, kek)
    _verified["keys"] = dict(known.keys)


class WrapCounter:
    """Wraps that this process has reserved and not used yet; safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: dict[str, int] = {}

    def take(self, kid: str, count: int) -> bool:
        with self._lock:
            if self._left.get(kid, 0) < count:
                return False
            self._left[kid] -= count
            return True

    def give(self, kid: str, count: int) -> None:
        with self._lock:
            self._left[kid] = self._left.get(kid, 0) + count


_reserved = WrapCounter()
_verified: dict[str, dict[str, bytes]] = {}


def _add_wraps(kid: str, count: int) -> bool:
    rows = Kek.objects.filter(kid=kid, wraps__lte=MAX_WRAPS - count)
    return rows.update(wraps=F("wraps") + count) == 1


def _create_canary(known: Keyring, kid: str) -> None:
    """Store a canary for a new KEK; an existing one is only checked."""
    canary = ciphertext.encrypt(known.key(kid), CANARY, canary_aad(kid), os.urandom)
    row = Kek(kid=kid, canary=canary, created_at=timezone.now())
    Kek.objects.bulk_create([row], ignore_conflicts=True)
    check_canary(known, Kek.objects.get(kid=kid))
