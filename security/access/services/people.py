"""Somebody who administers is always left."""

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import QuerySet

from security.access.models import User

LAST_ADMINISTRATOR = "This is the last administrator: make another one first."


class LastAdministrator(Exception):
    """The account cannot go: nobody would administer."""


def is_last_administrator(person: User) -> bool:
    """Whether without this one no active superuser could sign in.

    One without a password cannot, unless none of them has one.
    """
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    able = set(superusers_with_password().values_list("pk", flat=True))
    return (able or set(administrators.values_list("pk", flat=True))) == {person.pk}


def superusers_with_password() -> QuerySet[User]:
    """The active superusers who can sign in without the identity provider."""
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    return administrators.exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)


def lock_administrators() -> None:
    """Until the transaction ends, so that of two who demote each other one stays."""
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    list(administrators.select_for_update().order_by("pk").values_list("pk"))


@transaction.atomic
def delete(person: User) -> None:
    """Raises LastAdministrator."""
    lock_administrators()
    if is_last_administrator(person):
        raise LastAdministrator(LAST_ADMINISTRATOR)
    person.delete()
