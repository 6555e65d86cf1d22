"""Calls to the identity provider, through the one outbound policy: discovery, keys, the code."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from aethercrown.http.addresses import AddressRefused
from aethercrown.http.outbound import (
    OutboundClient,
    OutboundResponse,
    ResponseTooLarge,
    Unreachable,
    outcome,
)
from aethercrown.identity_provider import ProviderSettings

DISCOVERY = "/.well-known/openid-configuration"
CACHE_SECONDS = 600.0
KEYS_AGAIN_SECONDS = 30.0  # between two looks for a key that was not there
MAX_CALLS_AT_ONCE = 4  # in one process: a slow provider holds no more web threads
WAIT_SECONDS = 2.0
BASIC, POST = "client_secret_basic", "client_secret_post"
_slots = threading.BoundedSemaphore(MAX_CALLS_AT_ONCE)


class ProviderFailed(Exception):
    """The identity provider was not reached, or what it said is not usable."""


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What the provider's discovery document says; every address is https."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    uses_basic: bool


@dataclass(slots=True)
class ProviderClient:
    """One provider; its discovery document and its keys are kept for some minutes."""

    settings: ProviderSettings
    outbound: OutboundClient = field(default_factory=OutboundClient)
    clock: Callable[[], float] = time.monotonic
    _metadata: tuple[float, ProviderMetadata] | None = None
    _keys: tuple[float, list[dict[str, Any]]] | None = None

    def metadata(self) -> ProviderMetadata:
        """Raises ProviderFailed, also where the document is of another issuer."""
        now = self.clock()
        if self._metadata is None or now - self._metadata[0] >= CACHE_SECONDS:
            found = self._json(self.settings.issuer.rstrip("/") + DISCOVERY)
            if found.get("issuer") != self.settings.issuer:
                named = f"The provider calls itself {found.get('issuer')!r}"
                raise ProviderFailed(f"{named}, and OIDC_ISSUER must be the same.")
            self._metadata = (now, _metadata_of(found))
        return self._metadata[1]

    def keys(self, *, again: bool = False) -> list[dict[str, Any]]:
        """The keys that tokens are signed with; `again` looks anew, at most each 30 s."""
        now = self.clock()
        after = KEYS_AGAIN_SECONDS if again else CACHE_SECONDS
        if self._keys is None or now - self._keys[0] >= after:
            keys = self._json(self.metadata().jwks_uri).get("keys")
            if not isinstance(keys, list):
                raise ProviderFailed("The provider's document of keys has none.")
            self._keys = (now, [each for each in keys if isinstance(each, dict)])
        return self._keys[1]

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code of one sign-in."""
        mine, where = self.settings, self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if mine.client_secret and where.uses_basic:
            pair = f"{quote(mine.client_id, safe='')}:{quote(mine.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = mine.client_id
            if mine.client_secret:
                form["client_secret"] = mine.client_secret
        found = self._json(
            where.token_endpoint, method="POST", headers=headers, body=urlencode(form).encode()
        )
        token = found.get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed("The provider sent no ID token.")
        return token

    def _json(self, url: str, **request: Any) -> dict[str, Any]:
        answer = self._fetched(url, **request)
        if answer.status != 200:
            raise ProviderFailed(f"The provider answered {answer.status}.")
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ProviderFailed("The provider's answer is no JSON object.")
        return found

    def _fetched(self, url: str, **request: Any) -> OutboundResponse:
        request["headers"] = {"Accept": "application/json", **request.get("headers", {})}
        try:
            with _slot():
                return self.outbound.fetch(url, allowed=self.settings.networks, **request)
        except (AddressRefused, Unreachable, ResponseTooLarge) as error:
            raise ProviderFailed(f"The call of the provider: {outcome(error)}.") from error


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise ProviderFailed("Too many sign-ins wait for the provider.")
    try:
        yield
    finally:
        _slots.release()


def _metadata_of(found: dict[str, Any]) -> ProviderMetadata:
    places = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(isinstance(each, str) and urlsplit(each).scheme == "https" for each in places):
        raise ProviderFailed("The provider's document lacks an address, or one is not https.")
    methods = found.get("token_endpoint_auth_methods_supported") or [BASIC]
    authorization, token, keys = map(str, places)
    return ProviderMetadata(authorization, token, keys, BASIC in methods or POST not in methods)


@lru_cache(maxsize=4)
def client_for(settings: ProviderSettings) -> ProviderClient:
    """The client of a provider, one a process, so that its documents are kept."""
    outbound = OutboundClient()
    if settings.ca_file:
        outbound = replace(outbound, trust=lambda: trust_with(settings.ca_file))
    return ProviderClient(settings, outbound)


@lru_cache(maxsize=4)
def trust_with(ca_file: str) -> ssl.SSLContext:
    """The system's certificate authorities and those of a file."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    return context
