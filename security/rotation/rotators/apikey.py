"""Keys of our own API: the old one goes on beside its successor for the grace.

The platform cannot hand a key to whoever uses it, so nothing is cut off by itself: a due key
raises an alert, and a person rotates it and hands it on.
"""

from collections.abc import Mapping
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
from security.rotation.rotators.generated import only


class PlatformApiKey(CredentialIssuer):
    """Issues a successor by the same service as the admin and the command."""

    name = "platform_api_key"
    title = "API key of this platform"

    def check(self, config: Mapping[str, Any]) -> None:
        only(config, "scopes")
        try:
            known_scopes.chosen(wanted(config))
        except known_scopes.UnknownScope as error:
            raise InvalidConfig("config.scopes", str(error)) from error

    def issue(self, key_id: str, config: Mapping[str, Any], now: datetime) -> IssuedCredential:
        return described(apikeys.create(key_id, wanted(config), now=now))

    def reissue(self, held: RotationContext, grace: timedelta, now: datetime) -> IssuedCredential:
        try:
            return described(apikeys.rotate(held.detail["api_key"], grace, now=now))
        except (apikeys.ApiKeyNotActive, apikeys.UnknownApiKey) as error:
            raise TargetRefused(str(error)) from error

    def revoke(self, held: RotationContext) -> None:
        try:
            apikeys.revoke(held.detail["api_key"])
        except apikeys.UnknownApiKey:
            return  # deleted by hand: nothing is left that could open anything

    def works_until(self, held: RotationContext) -> datetime | None:
        return apikeys.works_until(held.detail["api_key"])

    def next_step(self) -> str:
        return "Give the new key to whoever uses it, before the old one ends."


def wanted(config: Mapping[str, Any]) -> list[str]:
    """The scopes asked for; BadConfig where they are no list of texts."""
    names = config.get("scopes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidConfig("config.scopes", 'must be a list of scopes, such as ["revenue:read"].')
    return names


def described(issued: apikeys.IssuedKey) -> IssuedCredential:
    key = issued.key
    return IssuedCredential(
        issued.plaintext, key.digest, f"{key.prefix}_live_", key.last4, {"api_key": key.pk}
    )
