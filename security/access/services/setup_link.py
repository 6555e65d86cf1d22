"""The link that creates the first administrator: valid once, for 15 minutes, stored as a digest."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from aethercrown.history import audit_hooks
from aethercrown.history.attribution import user_actor
from security.access.models import SetupLink, User

LIFETIME_MINUTES = 15
LIFETIME = timedelta(minutes=LIFETIME_MINUTES)


class AlreadySetUp(Exception):
    """There is an administrator: further people are created in the admin."""


class SetupLinkInvalid(Exception):
    """The link was used, has expired, or never existed."""


@transaction.atomic
def create_setup_link(now: datetime) -> str:
    """The token of a new link; an older link ends. Raises AlreadySetUp."""
    _check_not_set_up()
    SetupLink.objects.all().delete()
    token = secrets.token_urlsafe(32)
    SetupLink.objects.create(digest=digest(token), expires_at=now + LIFETIME)
    return token


@transaction.atomic
def create_first_administrator(token: str, username: str, password: str, now: datetime) -> User:
    """Use the link; of several calls at once one wins. Raises SetupLinkInvalid, AlreadySetUp."""
    if not _valid_links(token, now).update(used_at=now):
        raise SetupLinkInvalid
    _check_not_set_up()
    user = User(username=username, is_staff=True, is_superuser=True)
    user.set_password(password)
    user.save()
    audit_hooks.record(
        stream="access",
        event="first administrator made",
        subject=f"user {user.pk}",
        actor=user_actor(user),
    )
    return user


def is_setup_link_valid(token: str, now: datetime) -> bool:
    """Whether a post with this token would create the first administrator."""
    return _valid_links(token, now).exists() and not _is_set_up()


def _valid_links(token: str, now: datetime) -> QuerySet[SetupLink]:
    return SetupLink.objects.filter(digest=digest(token), used_at=None, expires_at__gt=now)


def _is_set_up() -> bool:
    return User.objects.filter(is_superuser=True).exists()


def _check_not_set_up() -> None:
    if _is_set_up():
        raise AlreadySetUp("There is an administrator already, who creates others in the admin.")


def digest(token: str) -> str:
    """A plain hash is enough: nobody guesses 256 bits."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
