"""What the claims of a verified ID token say about a person. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_SUBJECT_CHARACTERS = (
    191  # what allauth's column holds; the standard allows 255 ASCII characters
)
MAX_NAME_CHARACTERS = 150
FACTOR_CLAIMS = ("amr", "acr")
USERNAME_CHARACTERS = frozenset("@.+-_")


class ClaimsRefused(Exception):
    """A claim that is needed is missing, or is none that can be used."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the identity provider describes them."""

    subject: str
    username: str = ""
    email: str = ""
    is_email_verified: bool = False
    first_name: str = ""
    last_name: str = ""
    roles: frozenset[str] = frozenset()
    authenticated_at: int = 0  # seconds since 1970; 0 where the provider does not say
    has_second_factor: bool = False


def identity(
    claims: Mapping[str, Any],
    *,
    roles_claim: str,
    roles: Mapping[str, tuple[str, ...]],
    factors: frozenset[str],
) -> Identity:
    """The person described by `claims`. Raises ClaimsRefused without a usable `sub`."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        raise ClaimsRefused("The claim sub is missing or too long.")
    if not subject.isprintable():
        raise ClaimsRefused("The claim sub has characters that cannot be printed.")
    return Identity(
        subject=subject,
        username=_username(claims),
        email=_text(claims, "email", 254),
        is_email_verified=claims.get("email_verified") is True,
        first_name=_text(claims, "given_name"),
        last_name=_text(claims, "family_name"),
        roles=mapped_roles(claims, roles_claim, roles),
        authenticated_at=_seconds(claims.get("auth_time")),
        has_second_factor=shows_second_factor(claims, factors),
    )


def mapped_roles(
    claims: Mapping[str, Any], name: str, mapping: Mapping[str, tuple[str, ...]]
) -> frozenset[str]:
    """The roles that `mapping` gives for the values of a claim; its name may have dots in it.

    `realm_access.roles` is the claim of that name or, failing that, `roles` within `realm_access`.
    """
    value: Any = claims.get(name)
    if value is None and "." in name:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    return frozenset(role for each in _texts(value) for role in mapping.get(each, ()))


def shows_second_factor(claims: Mapping[str, Any], accepted: frozenset[str]) -> bool:
    """Whether a value of `amr` or `acr` is one of `accepted`, such as `amr:mfa`."""
    shown = {f"{name}:{each}" for name in FACTOR_CLAIMS for each in _texts(claims.get(name))}
    return not shown.isdisjoint(accepted)


def same_address(one: str, other: str) -> bool:
    """Whether two e-mail addresses are the same; capitals count only beyond ASCII.

    Case folding would let a look-alike through: the capital of a dotless i is a plain I.
    """
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())


def _username(claims: Mapping[str, Any]) -> str:
    """A user name from the claims; its characters are those that Django's user names have."""
    for name in ("preferred_username", "email", "sub"):
        value = _text(claims, name).partition("@")[0] if name == "email" else _text(claims, name)
        kept = "".join(each for each in value if each.isalnum() or each in USERNAME_CHARACTERS)
        if kept:
            return kept
    return "person"


def _text(claims: Mapping[str, Any], name: str, limit: int = MAX_NAME_CHARACTERS) -> str:
    """A claim that is a printable text within `limit`; else nothing."""
    value = claims.get(name)
    fits = isinstance(value, str) and value.isprintable() and len(value) <= limit
    return value.strip() if fits and isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _seconds(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
