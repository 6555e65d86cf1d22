"""What is known of keys, for people."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from security.apikeys import token
from security.apikeys.models import ApiKey


def under_an_old_pepper() -> int:
    """Keys not yet revoked whose digest was made under another pepper than the present one."""
    return (
        ApiKey.objects.filter(revoked_at=None)
        .exclude(pepper=token.mark(settings.API_KEY_PEPPER))
        .count()
    )


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
