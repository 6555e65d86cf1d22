"""What is known of keys, for people."""

from django.conf import settings

from security.apikeys import token
from security.apikeys.models import ApiKey


def under_an_old_pepper() -> int:
    """Keys not yet revoked whose digest was made under another pepper than the present one."""
    return (
        ApiKey.objects.filter(revoked_at=None)
        .exclude(pepper=token.mark(settings.API_KEY_PEPPER))
        .count()
    )
