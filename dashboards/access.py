"""Who may open a page: people whose role has its permission; and whether a link would open."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from security.access import reports

View = Callable[..., HttpResponseBase]
_permissions: dict[object, str | None] = {}  # of the views that `opened_by` decorates


def opened_by(permission: str | None, *, posts: str = "") -> Callable[[View], View]:
    """A page: strangers are sent to sign in, others need `permission`, if any.

    It only reads, unless `posts` names the permission of those whose forms it takes.
    """
    methods = require_http_methods(["GET", "HEAD", "POST"]) if posts else require_safe

    def decorate(view: View) -> View:
        @gzip_page
        @methods
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not holds(request, posts if request.method == "POST" else permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        _permissions[guarded] = permission
        return guarded

    return decorate


viewer = opened_by("security.view_pages")


def may_open(request: HttpRequest, address: str) -> bool:
    """Whether a link of this site would open for the person, by the checks of its page itself.

    Only the admin's screens and pages that `opened_by` decorates open; a view that checks in its
    own way is not known here, so nothing links to it through this.
    """
    match = _resolved(urlsplit(address).path)
    if match is None:
        return False
    if match.app_name == "admin":
        return admin.site.has_permission(request) and _screen_opens(request, match)
    return match.func in _permissions and holds(request, _permissions[match.func])


def holds(request: HttpRequest, permission: str | None) -> bool:
    """Whether the person holds a permission; everybody where it is None."""
    return permission is None or reports.has_permission(reports.person(request.user), permission)


def _screen_opens(request: HttpRequest, match: ResolverMatch) -> bool:
    screen: Any = getattr(match.func, "model_admin", None)
    if screen is None:  # the first page, signing out, and buttons, which check for themselves
        return True
    name = (match.url_name or "").rpartition("_")[2]
    if name in {"add", "delete"}:
        return bool(getattr(screen, f"has_{name}_permission")(request))
    return bool(screen.has_view_or_change_permission(request))


@lru_cache(maxsize=4096)
def _resolved(path: str) -> ResolverMatch | None:
    """Cached, because a page asks for each link of its navigation."""
    try:
        return resolve(path)
    except Resolver404:
        return None
