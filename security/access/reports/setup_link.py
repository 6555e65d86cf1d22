"""Whether a set-up link is valid."""

from datetime import datetime

from security.access import setup_link
from security.access.models import SetupLink, User


def is_setup_link_valid(token: str, now: datetime) -> bool:
    """Whether a post with this token would create the first administrator."""
    links = SetupLink.objects.filter(
        digest=setup_link.digest(token), used_at=None, expires_at__gt=now
    )
    return links.exists() and not User.objects.filter(is_superuser=True).exists()
