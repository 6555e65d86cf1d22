"""What a person may do (roles.py lists each role's permissions), and the check of `doctor`."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db.models import Q, QuerySet

from aethercrown.formatting import counted
from aethercrown.history.attribution import person_behind, user_actor
from aethercrown.http import sessions
from aethercrown.monitoring.doctor import CAUTION, GOOD, DoctorCheck, Finding
from security.access import roles
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


class FactorStep(Enum):
    """What a person does before anything else is shown."""

    SET_UP = "set up a second factor"
    SHOW = "show the second factor"


def needs_second_factor(user: Person) -> bool:
    """Whether this person needs a second factor: who may approve, rotate, grant or read secrets."""
    if user is None or not settings.SECOND_FACTOR_REQUIRED:
        return False
    return user.is_superuser or not roles.FACTOR_PERMISSIONS.isdisjoint(user.get_all_permissions())


def second_factor_step(user: Person, session: Any) -> FactorStep | None:
    """What is left to do for this person in this session; None where it is enough."""
    if user is None or not needs_second_factor(user):
        return None
    if not Authenticator.objects.filter(user_id=user.pk).exists():
        return None if sessions.has_providers_factor(session, user.pk) else FactorStep.SET_UP
    return None if sessions.has_second_factor(session, user.pk) else FactorStep.SHOW


def has_single_sign_on(user: User) -> bool:
    """Whether this person signs in at the identity provider."""
    if settings.OIDC_PROVIDER is None:
        return False
    return bool(SocialAccount.objects.filter(user_id=user.pk).exists())


def awaits_password(user: User) -> bool:
    """Whether this person was invited and has not chosen a password yet."""
    return user.is_active and not user.has_usable_password() and not has_single_sign_on(user)


def may_use_password(user: User) -> bool:
    """Whether a password opens this account; a superuser's always does, or all could be out."""
    always = settings.OIDC_PASSWORDS or user.is_superuser
    return bool(always) or not has_single_sign_on(user)


def holders_of(name: str, *, ever: bool = False) -> frozenset[str]:
    """The accounts that have a user name, or with `ever` had it, by their numbers."""
    numbers = set(User.objects.filter(username=name).values_list("pk", flat=True))
    if ever:
        numbers |= set(User.history.filter(username=name).values_list("id", flat=True))
    return frozenset(f"account:{each}" for each in numbers)


def permission_rows(user: User) -> QuerySet[Permission]:
    """The permissions that a person holds, or would hold if the account were active."""
    if user.is_superuser:
        return Permission.objects.all()
    rows = Permission.objects.filter(Q(group__user=user) | Q(user=user)).order_by()
    return Permission.objects.filter(pk__in=rows.values("pk"))


def exceeds(person: User, actor: User) -> bool:
    """Whether `person` holds more than `actor`, who then may not change or reset the account."""
    if actor.is_superuser:
        return False
    held = permission_rows(actor).values("pk")
    return person.is_superuser or permission_rows(person).exclude(pk__in=held).exists()


def all_people() -> QuerySet[User]:
    """Everybody with an account and their roles, by user name."""
    return User.objects.prefetch_related("groups").order_by("username")


def grantable(actor: User) -> QuerySet[Group]:
    """The groups that hold no more than `actor`."""
    beyond = Permission.objects.exclude(pk__in=permission_rows(actor).values("pk"))
    more = Group.objects.filter(permissions__in=beyond)
    return Group.objects.exclude(pk__in=more.values("pk"))


def people() -> Iterator[Finding]:
    """Whether there is an administrator, and whether all who need a second factor have one."""
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    enrolled = Authenticator.objects.values("user_id")
    others = User.objects.filter(is_active=True).exclude(pk__in=enrolled)
    if (
        settings.OIDC_SECOND_FACTORS
    ):  # shown at the identity provider, or set up at the next sign-in
        others = others.exclude(pk__in=SocialAccount.objects.values("user_id"))
    lacking = [each.get_username() for each in others.order_by("pk") if needs_second_factor(each)]
    mapped = {name for names in settings.OIDC_ROLES.values() for name in names}
    unknown = mapped - set(Group.objects.values_list("name", flat=True))
    if unknown:
        text = f"OIDC_ROLES names roles that are no groups here: {', '.join(sorted(unknown))}."
        yield Finding(CAUTION, text, "Correct the setting, or add the groups in the admin.")
    if not administrators.exists():
        yield Finding(CAUTION, "There is no administrator yet.", "./manage.py setup_link")
    elif lacking:
        text = f"People who need a second factor, and have no access without: {len(lacking)}."
        yield Finding(CAUTION, text, f"They sign in and set one up: {', '.join(lacking)}.")
    else:
        yield Finding(GOOD, counted(administrators.count(), "administrator"))


PEOPLE = DoctorCheck("people", "People", people)


def responsible(actor: str) -> str:
    """Who answers for what an actor decided: the person, else the first who may approve."""
    person = person_behind(actor)
    if person.startswith("user:"):
        return person
    for each in User.objects.filter(is_active=True).order_by("pk"):
        if may_approve(each):
            return user_actor(each)
    return "user:administrator"
