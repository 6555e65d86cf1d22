"""What a person may do; each role's permissions stand in roles.py."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from security.access import setup
from security.access.models import SetupLink, User

Person = User | AnonymousUser | None


def person(user: object) -> User | None:
    """Who is signed in; None for a key, a stranger, or someone switched off."""
    return user if isinstance(user, User) and user.is_active else None


def may_view(user: Person) -> bool:
    """Whether this person may see the pages."""
    return holds(user, "security.view_pages")


def may_operate(user: Person) -> bool:
    """Whether this person may enter and change data, and start automations."""
    return holds(user, "security.operate")


def may_approve(user: Person) -> bool:
    """Whether this person may approve, reject and roll back decisions."""
    return holds(user, "security.approve_decisions")


def holds(user: Person, permission: str) -> bool:
    return user is not None and user.is_active and user.has_perm(permission)


def lacks_factor(user: Person) -> bool:
    """Whether this person must enrol a second factor before anything else is shown."""
    if user is None or not settings.SECOND_FACTOR_REQUIRED or not user.is_superuser:
        return False
    return not Authenticator.objects.filter(user_id=user.pk).exists()


def setup_link_works(token: str, now: datetime) -> bool:
    """Whether a post with this token would make the first administrator. Looking uses nothing."""
    works = SetupLink.objects.filter(
        digest=setup.digest(token), used_at=None, expires_at__gt=now
    ).exists()
    return works and not User.objects.filter(is_superuser=True).exists()
