"""API authentication by key or session, and permission by scope or role."""

import time
from typing import Any

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from aethercrown.api.throttling import exact_address
from aethercrown.http import sessions
from security.access import reports as people
from security.apikeys import scopes, services, token

QUERY_NAMES = frozenset({"key", "api_key", "apikey", "api-key", "x-api-key", "access_token"})


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` or `X-API-Key: <key>`; never in the URL.

    Sets `request.auth` to a Credential and `request.user` to nobody. A request without a key is
    left to the next authentication class.
    """

    def authenticate(self, request: Request) -> tuple[None, services.Credential] | None:
        if has_key_in_query(request):
            raise AuthenticationFailed("A key in the address is seen by others: send a header.")
        text = key_of(request)
        if text is None:
            return None
        try:
            credential = services.verify_key(text, address=exact_address(request))
        except services.NetworkNotAllowed as error:
            raise PermissionDenied(str(error)) from error
        if credential is None:
            raise AuthenticationFailed("The API key is unknown, revoked or expired.")
        request._request.credential = credential  # type: ignore[attr-defined]  # noqa: SLF001 - read by the access log
        return None, credential

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def key_of(request: Request) -> str | None:
    """The key in the headers. Raises AuthenticationFailed where two headers differ."""
    scheme, _, bearer = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    keys = set()
    if scheme.lower() == "bearer":
        keys.add(bearer.strip())
    if "HTTP_X_API_KEY" in request.META:
        keys.add(request.META["HTTP_X_API_KEY"].strip())
    if len(keys) > 1:
        raise AuthenticationFailed("Authorization and X-API-Key show different keys: send one.")
    return keys.pop() if keys else None


def has_key_in_query(request: Request) -> bool:
    """Whether the query string has a key, by the name or the form of a parameter."""
    return bool(request.META.get("QUERY_STRING")) and any(
        name.lower() in QUERY_NAMES or any(token.PATTERN.search(value) for value in values)
        for name, values in request.query_params.lists()
    )


class PersonAuthentication(SessionAuthentication):
    """A session with CSRF; refused while it lacks the second factor that the person needs."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found: tuple[Any, Any] | None = super().authenticate(request)
        if found and getattr(request, "lacks_second_factor", False):
            raise SecondFactorRequired
        return found


class SecondFactorRequired(PermissionDenied):
    default_code = "second_factor_required"
    default_detail = "Sign in with a second factor (/account/2fa/), or call with a key."


class FreshSignInRequired(PermissionDenied):
    default_code = "fresh_sign_in_required"
    default_detail = (
        "This shows or ends a secret, and the last sign-in is more than 5 minutes old: enter the "
        "password or a code again at /account/reauthenticate."
    )


class HasScope(BasePermission):
    """The key has the scope of the view's `area`, or every one of its `scopes`.

    A key of one customer opens only views with `takes_customer_keys`, which filter by it.

    Staff with a session need the view's `permission_to_read`, and to write also its
    `permission_to_write`; the staff flag alone opens nothing. For the view's `fresh_methods` the
    sign-in must be fresh. A view that names no scope is refused.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        wanted = self.needed_scopes(request, view)
        if not wanted:
            return False
        if isinstance(request.auth, services.Credential):
            if request.auth.customer and not getattr(view, "takes_customer_keys", False):
                self.message = "A customer's key is not for this call."
                return False
            self.message = f"The key lacks the scope {', '.join(wanted)}."
            return scopes.covers(request.auth.scopes, wanted)
        who = people.person(request.user)
        needed = permissions_needed(request, view, wanted)
        if who is None or not who.is_staff or not needed or not who.has_perms(needed):
            return False
        if request.method in getattr(view, "fresh_methods", ()) and not sessions.is_fresh(
            request.session, int(time.time())
        ):
            raise FreshSignInRequired
        return True

    def needed_scopes(self, request: Request, view: Any) -> tuple[str, ...]:
        named: tuple[str, ...] = tuple(getattr(view, "scopes", ()))
        area: str = getattr(view, "area", "")
        return named or ((scopes.needed(area, request.method or ""),) if area else ())


def permissions_needed(request: Request, view: Any, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """What a person needs for a call that needs the scopes `wanted`; nothing where undeclared."""
    to_read: str = getattr(view, "permission_to_read", "")
    if not to_read:
        return ()
    only_reads = all(each.endswith(":read") for each in wanted)
    if only_reads or request.method in scopes.READ_METHODS:
        return (to_read,)
    return to_read, getattr(view, "permission_to_write", scopes.OPERATE)


class AnyCredential(BasePermission):
    """Any valid key, or a staff session."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, services.Credential):
            return request.auth.customer is None or getattr(view, "takes_customer_keys", False)
        who = people.person(request.user)
        return who is not None and who.is_staff
