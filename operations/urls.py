"""Operations' calls, in full after /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from operations.health.api import CheckView, TrendsView

urlpatterns: list[URLPattern | URLResolver] = [
    path("operational/health/check", CheckView.as_view(), name="health-check"),
    path("operational/health/trends", TrendsView.as_view(), name="health-trends"),
]
