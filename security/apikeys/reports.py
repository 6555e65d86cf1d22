"""What is known of keys, for people."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from security.apikeys import token
from security.apikeys.models import ApiKey
from security.apikeys.services import pepper as peppers
from security.encryption.services import system_secrets as system


def under_an_old_pepper() -> int:
    """Live keys whose digest was made under another pepper than the one in use."""
    mark = token.mark(system.current(system.PEPPER).value)
    return peppers.under_another(mark, timezone.now()).count()


def ending(now: datetime, within: timedelta) -> list[ApiKey]:
    """Live keys whose grace or time is over before long, the next one first."""
    until = now + within
    live = Q(revoked_at=None) & (Q(retire_at=None) | Q(retire_at__gt=now))
    live &= Q(expires_at=None) | Q(expires_at__gt=now)
    rows = ApiKey.objects.filter(live, Q(retire_at__lte=until) | Q(expires_at__lte=until))
    return sorted(rows, key=ends_at)


def ends_at(key: ApiKey) -> datetime:
    """When a key that ends does."""
    return min(at for at in (key.retire_at, key.expires_at) if at is not None)
