"""Verify the ID token of a sign-in (OpenID Connect Core 1.0, section 3.1.3.7). Pure."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import jwt

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"})
LEEWAY_SECONDS = 60
REQUIRED = ("iss", "sub", "aud", "exp", "iat")


class IdTokenRefused(Exception):
    """The token is not signed by the provider, not for us, not for this sign-in, or too old."""


class UnknownKey(IdTokenRefused):
    """None of the keys signed the token: the provider may have changed them."""


def nonce_of(verifier: str) -> str:
    """The nonce of a sign-in, from the secret that only its session knows."""
    return hashlib.sha256(b"nonce of " + verifier.encode()).hexdigest()


def verify(
    token: str, keys: Iterable[Mapping[str, Any]], *, issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """The claims of a token. Raises IdTokenRefused, and UnknownKey where `keys` lack its key.

    Only asymmetric algorithms count: with `none` or an HMAC everybody, or whoever has read the
    public key, could sign. The algorithm is that of the key.
    """
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise IdTokenRefused("The token is not signed, or by an algorithm that is not allowed.")
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(keys, header),
            algorithms=[str(algorithm)],
            issuer=issuer,
            audience=client_id,
            leeway=LEEWAY_SECONDS,
            options={"require": list(REQUIRED)},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise IdTokenRefused(f"The token is not valid: {type(error).__name__}.") from error
    _check_addressee(claims, client_id)
    if not hmac.compare_digest(str(claims.get("nonce")).encode(errors="replace"), nonce.encode()):
        raise IdTokenRefused("The token belongs to another sign-in.")
    return claims


def _key(keys: Iterable[Mapping[str, Any]], header: Mapping[str, Any]) -> Any:
    """The one key that the header names; without a name, the only one of its algorithm."""
    kid, algorithm = header.get("kid"), header["alg"]
    fitting = [
        each
        for each in keys
        if each.get("use", "sig") == "sig"
        and each.get("kty") != "oct"
        and each.get("alg", algorithm) == algorithm
        and (kid is None or each.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise UnknownKey("The token is signed by a key that the provider does not publish.")
    return jwt.PyJWK(dict(fitting[0]), algorithm).key


def _check_addressee(claims: Mapping[str, Any], client_id: str) -> None:
    """A token for several audiences must have been issued to us."""
    others = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if others else client_id) != client_id:
        raise IdTokenRefused("The token was issued to another application.")
