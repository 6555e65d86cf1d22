"""Compression of the style sheets, scripts and drawings that WhiteNoise serves.

Pages compress themselves (dashboards/access.py). The API and pages that show a secret once do not.
"""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

STATIC = "/static/"
TEXTS = ("text/css", "text/javascript", "image/svg+xml")


class StaticCompression(GZipMiddleware):
    """Compress static texts for browsers that accept it."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if response.status_code != 200 or not request.path.startswith(STATIC):
            return response
        if not kind.startswith(TEXTS):
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        del compressed.headers["ETag"]  # WhiteNoise knows no weak one; Last-Modified remains
        return compressed
