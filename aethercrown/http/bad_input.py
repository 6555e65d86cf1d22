"""Answers 400 where an address or a form holds what no database can look for.

A null character, a number beyond every column, text where a row's number belongs, a year outside
the calendar: the mistake is the sender's, wherever in a page or the admin it comes to light.
"""

import logging
import re

from django.core.exceptions import ValidationError
from django.db import DataError, NotSupportedError
from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from aethercrown.http.middleware import Middleware

API = "/api/"
# Of filters in an address: some patterns would hold a process for hours, and no address can hold
# the two ends of a range.
REFUSED_LOOKUPS = ("__regex", "__iregex", "__range")
# messages of Django, the drivers and datetime for values that cannot be converted
CONVERSION = re.compile(
    r"Field '[^']{0,200}' expected |NUL \(0x00\)|null character|year .{0,40}out of range"
    r"|must be in 1\.\.|Exceeds the limit .{0,40}for integer string conversion"
    r"|'str' object has no attribute 'days'"  # a text that is no duration, in a list of a filter
    r"|lookup is not supported on this database backend"  # `contains` of JSON on SQLite
    r"|a bytes-like object is required, not 'str'|bytes or buffer expected, got"  # of a file
)
log = logging.getLogger(__name__)


class BadInput(Middleware):
    """Middleware for pages and the admin; the API refuses such values by itself."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(API) and is_refused(request):
            return defaults.bad_request(request, ValueError("null character, or refused lookup"))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """A 400 for an unusable value; None for everything else."""
        if request.path_info.startswith(API) or not is_unusable_value(error):
            return None
        log.warning("An unusable value was sent: %s", type(error).__name__, exc_info=error)
        return defaults.bad_request(request, error)


def is_refused(request: HttpRequest) -> bool:
    """Whether the address holds a null character or a lookup that no list offers."""
    has_null = "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")
    return has_null or any(name.endswith(REFUSED_LOOKUPS) for name in request.GET)


def is_unusable_value(error: Exception) -> bool:
    """Whether a value could not be converted, or is beyond what a column takes."""
    if isinstance(error, DataError | OverflowError | ValidationError):
        return True
    kinds = (ValueError, TypeError, AttributeError, NotSupportedError)
    return isinstance(error, kinds) and bool(CONVERSION.search(str(error)[:2_000]))
