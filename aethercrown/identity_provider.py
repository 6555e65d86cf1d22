"""Read the settings of single sign-on: the identity provider, the roles, the second factors."""

from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from aethercrown.env import invalid
from aethercrown.http.addresses import ALL_PORTS, AddressRefused, Network, parse_networks, parse_url


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Where the identity provider is, and who we are there."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    networks: tuple[Network, ...] = ()
    ca_file: str = ""


def settings(
    *, issuer: str, client_id: str, client_secret: str, networks: str, ca_file: str, roles: str
) -> ProviderSettings | None:
    """The provider; None without an issuer. Raises ImproperlyConfigured, naming the variable."""
    if not issuer:
        return None
    try:
        parse_url(issuer, ports=ALL_PORTS)
    except AddressRefused as error:
        raise ImproperlyConfigured(f"OIDC_ISSUER: {error}") from None
    if not client_id:
        raise ImproperlyConfigured("OIDC_ISSUER is set and OIDC_CLIENT_ID is not.")
    if not roles.strip():
        raise ImproperlyConfigured("OIDC_ISSUER is set and OIDC_ROLES is not: nobody gets a role.")
    if ca_file and not Path(ca_file).is_file():
        raise invalid("OIDC_CA_FILE", ca_file, "a file with certificates in PEM")
    try:
        allowed = parse_networks(networks)
    except AddressRefused as error:
        raise ImproperlyConfigured(f"OIDC_NETWORKS: {error}") from None
    return ProviderSettings(issuer, client_id, client_secret, allowed, ca_file)


def role_mapping(text: str) -> dict[str, tuple[str, ...]]:
    """Roles by value of the claim, from `growth-team=operator,approver; admins=administrator`."""
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        value, _, names = part.rpartition("=")
        roles = tuple(each.strip() for each in names.split(",") if each.strip())
        if not (value.strip() and roles) or value.strip() in found:
            raise invalid("OIDC_ROLES", part, "value=role,role; each value once")
        found[value.strip()] = roles
    return found


def second_factors(text: str) -> frozenset[str]:
    """Values such as `amr:mfa`, separated by blanks or commas."""
    found = frozenset(text.replace(",", " ").split())
    for each in found:
        if not (each.startswith(("amr:", "acr:")) and each[4:]):
            raise invalid("OIDC_SECOND_FACTORS", each, "amr: or acr: and a value, such as amr:mfa")
    return found
