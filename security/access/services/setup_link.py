"""The set-up link, by which the first administrator is created."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from aethercrown.history import audit_hooks
from security.access import setup_link
from security.access.models import SetupLink, User


class AlreadySetUp(Exception):
    """There is an administrator: further people are created in the admin."""


class SetupLinkInvalid(Exception):
    """The link was used, has expired, or never existed."""


@transaction.atomic
def create_setup_link(now: datetime) -> str:
    """The token of a new link; an older link ends. Raises AlreadySetUp."""
    _check_not_set_up()
    SetupLink.objects.all().delete()
    token = setup_link.new_token()
    SetupLink.objects.create(digest=setup_link.digest(token), expires_at=now + setup_link.LIFETIME)
    return token


@transaction.atomic
def create_first_administrator(token: str, username: str, password: str, now: datetime) -> User:
    """Use the link. Of several calls at once, the one that marks the link as used wins.

    Raises SetupLinkInvalid and AlreadySetUp.
    """
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
        actor=user.get_username(),
    )
    return user


def is_setup_link_valid(token: str, now: datetime) -> bool:
    """Whether a post with this token would create the first administrator."""
    return _valid_links(token, now).exists() and not _is_set_up()


def _valid_links(token: str, now: datetime) -> QuerySet[SetupLink]:
    digest = setup_link.digest(token)
    return SetupLink.objects.filter(digest=digest, used_at=None, expires_at__gt=now)


def _is_set_up() -> bool:
    return User.objects.filter(is_superuser=True).exists()


def _check_not_set_up() -> None:
    if _is_set_up():
        raise AlreadySetUp("There is an administrator already, who creates others in the admin.")
