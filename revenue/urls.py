"""Revenue's calls, in full after /api/v1/."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from revenue.billing.api import PreviewView
from revenue.customers.api import ContactViewSet
from revenue.documents.api import DocumentViewSet
from revenue.pricing.api import CalculatePriceView, RecommendTierView, TierListView
from revenue.upsell.api import AnalyzeUpsellView, OpportunityViewSet

router = SimpleRouter(trailing_slash=False)
router.register("revenue/upsell/opportunities", OpportunityViewSet, basename="opportunities")
router.register("revenue/documents", DocumentViewSet, basename="documents")
router.register("revenue/contacts", ContactViewSet, basename="contacts")

urlpatterns: list[URLPattern | URLResolver] = [
    path("revenue/pricing/calculate", CalculatePriceView.as_view(), name="pricing-calculate"),
    path("revenue/pricing/recommend-tier", RecommendTierView.as_view(), name="pricing-recommend"),
    path("revenue/upsell/analyze", AnalyzeUpsellView.as_view(), name="upsell-analyze"),
    path("revenue/invoices/preview", PreviewView.as_view(), name="invoice-preview"),
    path("revenue/tiers", TierListView.as_view(), name="tiers"),
    *router.urls,
]
