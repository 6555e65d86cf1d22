"""What a person may do (roles.py lists each role's permissions), and the check of `doctor`."""

from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from aethercrown.formatting import counted
from aethercrown.monitoring.doctor import CAUTION, GOOD, DoctorCheck, Finding
from security.access.models import User

Person = User | AnonymousUser | None


def person(user: object) -> User | None:
    """The active user who is signed in; None for an API key or an anonymous caller."""
    return user if isinstance(user, User) and user.is_active else None


def may_view(user: Person) -> bool:
    """Whether this person may see the pages."""
    return has_permission(user, "security.view_pages")


def may_operate(user: Person) -> bool:
    """Whether this person may enter and change data, and start automations."""
    return has_permission(user, "security.operate")


def may_approve(user: Person) -> bool:
    """Whether this person may approve, reject and roll back decisions."""
    return has_permission(user, "security.approve_decisions")


def has_permission(user: Person, permission: str) -> bool:
    return user is not None and user.is_active and user.has_perm(permission)


def needs_second_factor(user: Person) -> bool:
    """Whether this person must set up a second factor before anything else is shown."""
    if user is None or not settings.SECOND_FACTOR_REQUIRED or not user.is_superuser:
        return False
    return not Authenticator.objects.filter(user_id=user.pk).exists()


def people() -> Iterator[Finding]:
    """Whether there is an administrator, each with a second factor."""
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    enrolled = Authenticator.objects.values("user_id")
    lacking = list(administrators.exclude(pk__in=enrolled).values_list("username", flat=True))
    if not administrators.exists():
        yield Finding(CAUTION, "There is no administrator yet.", "./manage.py setup_link")
    elif lacking and settings.SECOND_FACTOR_REQUIRED:
        text = f"Administrators without a second factor, and so without access: {len(lacking)}."
        yield Finding(CAUTION, text, f"They sign in and set one up: {', '.join(lacking)}.")
    else:
        yield Finding(GOOD, counted(administrators.count(), "administrator"))


PEOPLE = DoctorCheck("people", "People", people)
