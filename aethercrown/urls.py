"""Every address: probes, admin, pages, and the API under /api/v1."""

from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import include, path

from aethercrown.api.reference import Docs, Schema
from aethercrown.monitoring.views import Metrics, healthz, readyz


def theme_search(request: HttpRequest) -> HttpResponseRedirect:
    """The theme's own search leads to ours, which finds rows too."""
    words = urlencode({"q": request.GET.get("s", "")})
    return HttpResponseRedirect(f"/search?{words}")


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("", include("security.urls")),
    path("admin/search/", theme_search),
    path("admin/", admin.site.urls),
    path("api/v1/schema", Schema.as_view(), name="api-schema"),
    path("api/v1/docs", Docs.as_view(), name="api-docs"),
    path("api/v1/", include("enterprise.urls")),
    path("api/v1/", include("marketing.urls")),
    path("api/v1/", include("operations.urls")),
    path("api/v1/", include("revenue.urls")),
    path("", include("dashboards.urls")),
]

handler400 = "aethercrown.api.errors.bad_request"
handler403 = "aethercrown.api.errors.forbidden"
handler404 = "aethercrown.api.errors.not_found"
handler500 = "aethercrown.api.errors.server_error"
