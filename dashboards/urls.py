"""The pages' addresses."""

from django.urls import URLPattern, URLResolver, path

from dashboards import decisions, overview
from dashboards.budget import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.home, name="overview"),
    path("dashboards/budget", views.budget, name="budget"),
    path("dashboards/budget/<path:name>", views.channel, name="budget-channel"),
    path("dashboards/decisions", decisions.ledger, name="decisions"),
]
