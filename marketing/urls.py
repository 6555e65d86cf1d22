"""Paths of marketing's API below /api/v1/."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from marketing.budget.api import BudgetPlanViewSet, OptimizeBudgetView

router = SimpleRouter(trailing_slash=False)
router.register("optimization/budget/plans", BudgetPlanViewSet, basename="budget-plans")

urlpatterns: list[URLPattern | URLResolver] = [
    path("optimization/budget/optimize", OptimizeBudgetView.as_view(), name="budget-optimize"),
    *router.urls,
]
