"""API keys of this platform: the old one works beside its successor during the grace.

The platform cannot deliver a new API key to its users. A due key therefore raises an alert, and
a person rotates it and passes it on.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from security.apikeys import scopes as known_scopes
from security.apikeys import services as apikeys
from security.rotation.registry import (
    CredentialIssuer,
    InvalidConfig,
    IssuedCredential,
    RotationContext,
    TargetRefused,
)
from security.rotation.rotators.generated import allow_only


class PlatformApiKey(CredentialIssuer):
    """Issues successors by the same service as the admin and the command."""

    name = "platform_api_key"
    title = "API key of this platform"
    required_action = "Give the new key to its users before the old one ends."

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, "scopes")
        try:
            known_scopes.chosen(configured_scopes(config))
        except known_scopes.UnknownScope as error:
            raise InvalidConfig("config.scopes", str(error)) from error
        needs = {
            known_scopes.REVEAL: "needs a reason",
            known_scopes.APPROVE: "is for a key that acts as a person",
        }
        for scope, why in needs.items():
            if scope in config["scopes"]:
                words = f"{scope} {why}: make the key under API keys."
                raise InvalidConfig("config.scopes", words)

    def issue(self, key_id: str, config: Mapping[str, Any], now: datetime) -> IssuedCredential:
        return credential(apikeys.create(key_id, configured_scopes(config), now=now))

    def reissue(
        self, context: RotationContext, grace: timedelta, now: datetime
    ) -> IssuedCredential:
        try:
            return credential(apikeys.rotate(context.detail["api_key"], grace, now=now))
        except (apikeys.ApiKeyNotActive, apikeys.UnknownApiKey) as error:
            raise TargetRefused(str(error)) from error

    def revoke(self, context: RotationContext) -> None:
        try:
            apikeys.revoke(context.detail["api_key"])
        except apikeys.UnknownApiKey:
            return  # the API key was deleted: nothing is left to revoke

    def valid_until(self, context: RotationContext) -> datetime | None:
        return apikeys.works_until(context.detail["api_key"])


def configured_scopes(config: Mapping[str, Any]) -> list[str]:
    """The configured scopes. Raises InvalidConfig unless they are a list of texts."""
    names = config.get("scopes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidConfig("config.scopes", 'must be a list of scopes, such as ["revenue:read"].')
    return names


def check_scopes_held(
    rotator: str, config: Mapping[str, Any], held: Collection[str], who: str
) -> None:
    """Raise ScopeNotHeld if the rotator would give out an API key with more scopes than `held`."""
    names = config.get("scopes")
    if rotator == PlatformApiKey.name and isinstance(names, list):
        with suppress(known_scopes.UnknownScope):  # the service reports it
            known_scopes.check_held(known_scopes.chosen(map(str, names)), held, who)


def credential(issued: apikeys.IssuedKey) -> IssuedCredential:
    key = issued.key
    return IssuedCredential(
        issued.plaintext, key.digest, f"{key.prefix}_live_", key.last4, {"api_key": key.pk}
    )
