"""The roles' groups, kept as roles.py says; and the check of a password, slowed after failures."""

import logging
from hashlib import sha256
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest

from aethercrown.throttling import Rate, buckets, client_address
from security.access import roles
from security.access.models import User

TRIES = 5
WAIT = 15  # minutes until all tries are back
FROM_ONE_ADDRESS = Rate(TRIES, TRIES / (WAIT * 60))
FROM_EVERYWHERE = Rate(30, 30 / 3600)
log = logging.getLogger(__name__)


@transaction.atomic
def grant(app: str) -> None:
    """Make every role's group, and give it exactly its permissions of `app`.

    Runs after each migration of an app, when its permissions stand; repeating changes nothing.
    """
    permissions = list(Permission.objects.filter(content_type__app_label=app))
    for role in roles.ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        kept = group.permissions.exclude(content_type__app_label=app)
        held = [each for each in permissions if roles.grants(role, app, each.codename)]
        group.permissions.set([*kept, *held])


class Passwords(ModelBackend):
    """Django's check, closed for a while after wrong passwords; settings name it.

    A user name is closed for one address after 5 failures, and for all after 30 an hour, but
    never for good: that would be a weapon. A name that nobody has is treated the same.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        limits = tries(request, username or "")
        if any(buckets.take(name, cost=0, rate=rate) for name, rate in limits.items()):
            log.warning("Sign-in closed after too many wrong passwords")
            raise PermissionDenied
        user = super().authenticate(request, username, password, **kwargs)
        if user is None:
            for name, rate in limits.items():
                buckets.take(name, rate=rate)
        return user if isinstance(user, User) else None


def tries(request: HttpRequest | None, username: str) -> dict[str, Rate]:
    """The buckets that a wrong password takes from; none where no request stands behind it."""
    if request is None:
        return {}
    who = sha256(username.lower().encode()).hexdigest()[:32]
    return {
        f"sign-in:{who}:{client_address(request)}": FROM_ONE_ADDRESS,
        f"sign-in:{who}": FROM_EVERYWHERE,
    }
