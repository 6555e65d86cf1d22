"""Security headers of every response, and no-store."""

from csp.constants import NONCE, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponseBase
from django.utils.http import http_date

from aethercrown.http.middleware import Middleware

ADMIN = "/admin/"
# Alpine, which the theme is made of, compiles the expressions in its attributes with Function(),
# and its templates carry style elements and attributes without a nonce. Scripts stay in files.
ADMIN_POLICY = {
    "script-src": ["'self'", NONCE, UNSAFE_EVAL],
    "style-src": ["'self'", UNSAFE_INLINE],
}
FIXED_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class ContentSecurityPolicy(CSPMiddleware):
    """The strict policy everywhere; a wider one under /admin, as its theme needs."""

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002 - the signature of django-csp
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(ADMIN):
            parts.replace = {**ADMIN_POLICY, **(parts.replace or {})}
        return parts


class SecurityHeaders(Middleware):
    """Fixed headers on every response; only static files may be cached.

    The response to a rotated key has Deprecation (RFC 9745), since when it is replaced, and Sunset
    (RFC 8594), until when it works.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in FIXED_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        if response.cookies and "private" not in response.headers["Cache-Control"]:
            response.headers["Cache-Control"] = "no-store"  # a session is nobody else's
        credential = getattr(request, "credential", None)
        retire_at = getattr(credential, "retire_at", None)
        if retire_at is not None:
            since = getattr(credential, "rotated_at", None) or retire_at
            response["Deprecation"] = f"@{int(since.timestamp())}"
            response["Sunset"] = http_date(int(retire_at.timestamp()))
        return response
