"""How a request shows its key, and what the key opens."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>` or `X-API-Key: <key>`."""

    def authenticate(self, request: Request) -> None:
        return None


class HasScope(BasePermission):
    """The key's scopes hold the pair of the view's area."""


class AnyCredential(BasePermission):
    """Any key or a staff session."""
