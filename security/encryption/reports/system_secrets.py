"""The platform's own secrets: the pepper of API keys and the key of the audit's anchors."""

import time
from collections.abc import Callable

from django.utils import timezone

from security.encryption.models import SystemSecret
from security.encryption.reports.keks import unseal
from security.encryption.secret_cache import CachedSecret, StoredSecret, cached

PEPPER, AUDIT_KEY = "pepper", "audit key"
_cache: dict[str, CachedSecret] = {}  # by name: a process has one database


class SystemSecretMissing(Exception):
    """The database lacks a secret that `manage.py migrate` creates."""


def current(name: str, clock: Callable[[], float] = time.monotonic) -> CachedSecret:
    """A secret's values, from memory while fresh. Raises SystemSecretMissing, DecryptionFailed."""
    known = _cache.get(name)
    return read(name, clock) if known is None or known.until < clock() else known


def read(name: str, clock: Callable[[], float] = time.monotonic) -> CachedSecret:
    """The values of a secret from the database; a background thread refreshes the cache by it."""
    known = cached(stored(name), timezone.now(), clock())
    _cache[name] = known
    return known


def stored(name: str) -> list[StoredSecret]:
    """Every value of a secret in the database, the newest first."""
    rows = SystemSecret.objects.filter(name=name).order_by("-number")
    found = [
        StoredSecret(row.number, unseal(sealed, row.encryption_context), row.created_at)
        for row in rows
        if (sealed := row.ciphertext)
    ]
    if not found:
        raise SystemSecretMissing(
            f"The platform's own secret {name!r} is missing: run ./manage.py migrate."
        )
    return found


def clear_cache() -> None:
    """Read every secret from the database when it is next needed."""
    _cache.clear()
