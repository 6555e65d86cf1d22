"""Marketing's calls, in full after /api/v1/."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from marketing.budget.api import OptimizeView, PlanViewSet

router = SimpleRouter(trailing_slash=False)
router.register("optimization/budget/plans", PlanViewSet, basename="budget-plans")

urlpatterns: list[URLPattern | URLResolver] = [
    path("optimization/budget/optimize", OptimizeView.as_view(), name="budget-optimize"),
    *router.urls,
]
