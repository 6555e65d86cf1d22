"""Which account, and which roles, follow from an identity of the provider.

A person's roles are exactly those that the mapping gives for the claim, from each sign-in to the
next. The superuser flag is neither given nor taken, and who has it always signs in by password.
"""

from dataclasses import dataclass, replace

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group
from django.db import transaction

from aethercrown.history import audit_hooks
from aethercrown.history.attribution import acting
from security.access import roles
from security.access.models import User
from security.access.openid import claims
from security.access.openid.claims import Identity
from security.access.services import people
from security.access.services.sessions import end_sessions

ROLES_FROM_PROVIDER = (
    "This person signs in at the identity provider, which gives and takes the roles each time: "
    "what is changed here lasts until the next sign-in."
)
ACTOR = "automation:single sign-on"
NO_ROLE = "The identity provider gives this account no role here."
SWITCHED_OFF = "This account is switched off here."
NO_ACCOUNT = "This account is not known here, and single sign-on makes no accounts."
TAKEN = (
    "An account with this e-mail address exists here and cannot be taken over: an administrator "
    "can remove the address from it, or its link to an earlier account of the provider; and the "
    "provider must confirm the address."
)


@dataclass(frozen=True, slots=True)
class AdmittedPerson:
    """The account that an identity opens, or why it opens none."""

    user: User | None
    refusal: str = ""


def admit(identity: Identity, provider: str, *, creates: bool = True) -> AdmittedPerson:
    """Find, link or make the account of an identity, and give it its roles."""
    with acting(ACTOR):
        return _admit(identity, provider, creates=creates)


@transaction.atomic
def _admit(identity: Identity, provider: str, *, creates: bool) -> AdmittedPerson:
    # One sign-in at a time: two first ones make one account, and two last administrators stay one.
    Group.objects.select_for_update().filter(name=roles.ADMINISTRATOR).first()
    groups = Group.objects.filter(name__in=identity.roles).values_list("name", flat=True)
    identity = replace(identity, roles=frozenset(groups))  # a name of no group here is no role
    link = SocialAccount.objects.filter(provider=provider, uid=identity.subject).first()
    if link is None:
        return _first_sign_in(identity, provider, creates=creates)
    user = User.objects.get(pk=link.user_id)
    set_roles(user, identity.roles)
    if not user.is_active:
        return AdmittedPerson(user, SWITCHED_OFF)
    if not identity.roles and not user.is_superuser:
        end_sessions([user])
        return AdmittedPerson(user, NO_ROLE)
    return AdmittedPerson(user)


def _first_sign_in(identity: Identity, provider: str, *, creates: bool) -> AdmittedPerson:
    if not identity.roles:
        return AdmittedPerson(None, NO_ROLE)
    holders = _holders(identity.email)
    if len(holders) > 1 or any(not _may_link(each, identity) for each in holders):
        return AdmittedPerson(None, TAKEN)
    if not holders and not creates:
        return AdmittedPerson(None, NO_ACCOUNT)
    user = holders[0] if holders else _created(identity)
    SocialAccount.objects.create(user=user, provider=provider, uid=identity.subject)
    if holders:  # whoever made the account, or knew its password, is out
        user.set_unusable_password()
        user.save()
        end_sessions([user])
    audit_hooks.record(
        stream="access", event="single sign-on linked", subject=f"user {user.pk}",
        detail={"provider": provider, "how": "e-mail" if holders else "new account"},
    )  # fmt: skip
    set_roles(user, identity.roles)
    return AdmittedPerson(user)


def _holders(email: str) -> list[User]:
    """The accounts with this address."""
    found = User.objects.filter(email__iexact=email).order_by("pk") if email else []
    return [each for each in found if claims.same_address(each.email, email)]


def _may_link(user: User, identity: Identity) -> bool:
    """An address opens an account only if the provider confirmed it, and never a superuser's."""
    return (
        identity.is_email_verified
        and user.is_active
        and not user.is_superuser
        and not SocialAccount.objects.filter(user=user).exists()
    )


def _created(identity: Identity) -> User:
    """A new account, under a name that nobody has; only with an address that was confirmed.

    With another's address it would keep that person out.
    """
    name, number = identity.username, 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{identity.username[:140]}-{number}"
    user = User(
        username=name,
        email=identity.email if identity.is_email_verified else "",
        first_name=identity.first_name,
        last_name=identity.last_name,
    )
    user.set_unusable_password()
    user.save()
    return user


def set_roles(user: User, names: frozenset[str]) -> None:
    """Give exactly these roles; single permissions go. The last administrator keeps the role."""
    kept = {roles.ADMINISTRATOR} if _is_last_of_administrators(user) else set()
    user.groups.set(Group.objects.filter(name__in=names | kept))
    user.user_permissions.clear()
    if user.is_staff != bool(names or kept or user.is_superuser):
        user.is_staff = not user.is_staff
        user.save()


def _is_last_of_administrators(user: User) -> bool:
    """Whether without this one's role nobody would administer."""
    if people.superusers_with_password().exists():
        return False
    holders = User.objects.filter(is_active=True, groups__name=roles.ADMINISTRATOR)
    return set(holders.values_list("pk", flat=True)) == {user.pk}
