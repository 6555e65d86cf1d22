"""The set-up link, by which the first administrator is created."""

from datetime import datetime

from django.db import transaction

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
    links = SetupLink.objects.filter(
        digest=setup_link.digest(token), used_at=None, expires_at__gt=now
    )
    if not links.update(used_at=now):
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


def _check_not_set_up() -> None:
    if User.objects.filter(is_superuser=True).exists():
        raise AlreadySetUp("There is an administrator already, who creates others in the admin.")
