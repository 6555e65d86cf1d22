"""Who may see a page: people with a role that opens them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from security.access import reports

View = Callable[..., HttpResponseBase]


def viewer(view: View) -> View:
    """Sends strangers to sign in, refuses those without a role, and only ever reads."""

    @require_safe
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not reports.may_view(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
