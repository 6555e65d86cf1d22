"""Every address: probes, admin, pages, and the API under /api/v1."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("marketing.urls")),
    path("", include("dashboards.urls")),
]
