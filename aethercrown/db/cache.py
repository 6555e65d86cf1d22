"""Django's default cache, in database rows.

It holds what must survive an outage of the broker, such as used second-factor codes and failed
attempts, so signing in needs the database only. Values are JSON, not pickles, which would run code.
"""

import json
import time
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

from aethercrown.models import CacheEntry

FOREVER = 2.0**53  # seconds since 1970
# An expired row counts as missing; of several callers at once, one writes.
CLAIM = """
INSERT INTO aethercrown_cacheentry AS r (name, value, expires_at) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
WHERE r.expires_at <= %s
RETURNING 1
"""


class DatabaseCache(BaseCache):
    """A cache in the database; settings name it. Keys have up to 250 characters."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Store the value if `key` has none; True for one caller only."""
        now = time.time()
        name, text = self.make_and_validate_key(key, version=version), json.dumps(value)
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, [name, text, self.ends(timeout), now])
            return cursor.fetchone() is not None

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        name = self.make_and_validate_key(key, version=version)
        rows = CacheEntry.objects.filter(name=name, expires_at__gt=time.time())
        text = rows.values_list("value", flat=True).first()
        return default if text is None else json.loads(text)

    def set(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        name = self.make_and_validate_key(key, version=version)
        fields = {"value": json.dumps(value), "expires_at": self.ends(timeout)}
        CacheEntry.objects.update_or_create(name=name, defaults=fields)

    def delete(self, key: str, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        return CacheEntry.objects.filter(name=name).delete()[0] > 0

    def clear(self) -> None:
        CacheEntry.objects.all().delete()

    def ends(self, timeout: float | None) -> float:
        """The expiry, in seconds since 1970, of an entry with this timeout."""
        return self.get_backend_timeout(timeout) or FOREVER


def purge() -> int:
    """Delete expired entries; returns how many."""
    return CacheEntry.objects.filter(expires_at__lte=time.time()).delete()[0]
