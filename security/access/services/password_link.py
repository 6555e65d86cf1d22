"""Links that let a person choose a password: an invitation, or one for a forgotten password.

A link works once. Its token is signed by the installation, and the mail gets it only when it is
sent: neither the row nor the stored message lets anybody in. It ends too when the account's
password, address or permissions change: it was made, and perhaps shown, for the account as it was.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from aethercrown.history import audit_hooks
from aethercrown.history.attribution import user_actor
from operations.messaging import services as messaging
from operations.messaging.outside.mail_kinds import MailKind, MailPurpose, OutsideMail
from security.access import reports
from security.access.models import PasswordLink, User
from security.access.roles import ROLES, VIEWER
from security.access.services.sessions import end_sessions

SALT = "security.access.password_link"
LIFETIMES = {
    PasswordLink.Purpose.INVITATION: timedelta(days=3),
    PasswordLink.Purpose.RESET: timedelta(hours=1),
}
KEPT_AFTER_END = timedelta(days=30)
INVITATION, RESET = "access.invitation", "access.reset"
USER_NAME = re.compile(r"[\w.@+-]{1,150}", re.ASCII)
TAKEN = "There is an account of this name already."
MAIL_KEY = "password link:"


class InvalidInvitation(ValueError):
    """Something entered is not valid; `problems` has a message for each bad field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


class PasswordLinkInvalid(Exception):
    """The link was used, has expired, or never existed."""


def mail_is_on() -> bool:
    """Whether mail can be sent, with links that lead here."""
    return bool(settings.EMAIL_URL and settings.PUBLIC_URL)


@transaction.atomic
def invite(given: Mapping[str, str], by: User, now: datetime) -> PasswordLink:
    """Create an account without a password and mail its link. Raises InvalidInvitation."""
    username, email = given.get("username", ""), given.get("email", "")
    problems = {}
    if not USER_NAME.fullmatch(username):
        problems["username"] = "1 to 150 letters, digits and @ . + - _"
    elif User.objects.filter(username__iexact=username).exists():
        problems["username"] = TAKEN
    if not _is_address(email):
        problems["email"] = "Give an e-mail address."
    elif User.objects.filter(email__iexact=email).exists():
        problems["email"] = "There is an account with this address already."
    role = Group.objects.filter(name=given.get("role", "")).first()
    if role is None or role.name not in roles_for(by):
        problems["role"] = "Choose a role that holds no more than you do."
    if problems or role is None:
        raise InvalidInvitation(problems)
    person = User(username=username, email=email, is_staff=role.name != VIEWER)
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:  # of two invitations at once
        raise InvalidInvitation({"username": TAKEN}) from error
    person.groups.add(role)
    return _link(person, PasswordLink.Purpose.INVITATION, by, now)


def roles_for(by: User) -> list[str]:
    """The built-in roles that the person may give, from the one that may do least."""
    grantable = set(reports.grantable(by).values_list("name", flat=True))
    return [each for each in ROLES if each in grantable]


@transaction.atomic
def invite_again(person: User, by: User, now: datetime) -> PasswordLink:
    """A new link for somebody who has no password yet; the older one ends. Raises LookupError."""
    if person.has_usable_password() or not person.is_active:
        raise LookupError(f"{person} has a password already, or is switched off.")
    if reports.has_single_sign_on(person):
        raise LookupError(f"{person} signs in at the identity provider.")
    if reports.exceeds(person, by):
        raise LookupError(f"{person} holds more than you do.")
    return _link(person, PasswordLink.Purpose.INVITATION, by, now)


@transaction.atomic
def request_reset(name: str, now: datetime) -> bool:
    """Mail a link to the person of this user name or address, if there is one; whether it was.

    Nothing goes to those who are switched off, have no password, or sign in at the provider.
    """
    people = User.objects.filter(is_active=True).exclude(email="")
    person = people.filter(username=name).first() or people.filter(email__iexact=name).first()
    if person is None or not person.has_usable_password() or reports.has_single_sign_on(person):
        return False
    recent = now - timedelta(minutes=5)
    User.objects.select_for_update().get(pk=person.pk)  # two requests at once make one link
    if PasswordLink.objects.filter(person=person, created_at__gt=recent, used_at=None).exists():
        return False
    _link(person, PasswordLink.Purpose.RESET, None, now)
    return True


def _link(person: User, purpose: str, by: User | None, now: datetime) -> PasswordLink:
    """Store a link, end the older ones, record it, and write its mail; forget those long over."""
    PasswordLink.objects.filter(expires_at__lt=now - KEPT_AFTER_END).delete()
    PasswordLink.objects.filter(person=person, used_at=None).update(used_at=now)
    row = PasswordLink.objects.create(
        person=person,
        purpose=purpose,
        created_at=now,
        expires_at=now + LIFETIMES[PasswordLink.Purpose(purpose)],
    )
    audit_hooks.record(
        stream="access",
        event=f"{purpose} link made",
        subject=f"user {person.pk}",
        actor=user_actor(by) if by else "",
    )
    if mail_is_on():
        kind = INVITATION if purpose == PasswordLink.Purpose.INVITATION else RESET
        values = {
            "name": person.get_username(),
            **({"invited_by": by.get_username()} if by else {}),
        }
        key = f"{MAIL_KEY}{row.pk}:{_fingerprint(person)}"
        messaging.enqueue_mail(
            OutsideMail(key, kind, person.email, person.get_username(), values), now
        )
    return row


def path_of_password_link(row: PasswordLink) -> str:
    """The path of the page that the link opens."""
    return f"/login/password/{signing.dumps([row.pk, _fingerprint(row.person)], salt=SALT)}"


def password_link_of(token: str, now: datetime) -> PasswordLink | None:
    """The link of a token, while it works."""
    try:
        number, fingerprint = signing.loads(token, salt=SALT, max_age=max(LIFETIMES.values()))
    except (signing.BadSignature, TypeError):  # a link of an earlier version has a number only
        return None
    rows = PasswordLink.objects.select_related("person").filter(person__is_active=True)
    row = rows.filter(pk=number, used_at=None, expires_at__gt=now).first()
    return row if row and _fingerprint(row.person) == fingerprint else None


def _fingerprint(person: User) -> str:
    """What a link is for: the account with this password, address and these permissions."""
    held = sorted(reports.permission_rows(person).values_list("pk", flat=True))
    account = [person.password, person.email, person.is_superuser, held]
    return salted_hmac(SALT, json.dumps(account), algorithm="sha256").hexdigest()[:32]


@transaction.atomic
def choose_password(token: str, password: str, now: datetime) -> User:
    """Use the link; of several at once one wins. Other sessions end. Raises PasswordLinkInvalid."""
    row = password_link_of(token, now)
    if row is None or not PasswordLink.objects.filter(pk=row.pk, used_at=None).update(used_at=now):
        raise PasswordLinkInvalid
    person: User = User.objects.select_for_update().get(pk=row.person_id)
    person.set_password(password)
    person.save()
    end_sessions([person])
    return person


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def _unwanted(key: str) -> str:
    """Why the mail must not go out any more: its link was used, or is for another account now."""
    row = _of_key(key)
    return "" if row and row.used_at is None else "The link was used, or has ended."


def _closing(key: str) -> str:
    """The link, below the text."""
    row = _of_key(key)
    return f"{settings.PUBLIC_URL}{path_of_password_link(row)}" if row else ""


def _of_key(key: str) -> PasswordLink | None:
    number, _, fingerprint = key.removeprefix(MAIL_KEY).partition(":")
    rows = PasswordLink.objects.select_related("person")
    row = rows.filter(pk=int(number)).first() if number.isdecimal() else None
    return row if row and _fingerprint(row.person) == fingerprint else None


FIELDS = {"name": "the person's user name", "invited_by": "who invited them"}
MAIL_KINDS = (
    MailKind(
        INVITATION,
        "Invitation to AetherCrown",
        MailPurpose.SERVICE,
        FIELDS,
        "You are invited to AetherCrown",
        "{{ invited_by }} made an account for you; your user name is {{ name }}.\n"
        "Choose a password with this link. It works once, for 3 days:",
        _unwanted,
        closing=_closing,
    ),
    MailKind(
        RESET,
        "Forgotten password",
        MailPurpose.SERVICE,
        {"name": FIELDS["name"]},
        "Choose a new password for AetherCrown",
        "Somebody asked for a new password for the account {{ name }}. If it was not you, nothing\n"
        "has to be done: the old one stays. The link works once, for 1 hour:",
        _unwanted,
        closing=_closing,
    ),
)
