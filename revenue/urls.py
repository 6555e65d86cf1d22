"""Revenue's calls, in full after /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from revenue.pricing.api import PricingView, RecommendView, TiersView, UpsellView

urlpatterns: list[URLPattern | URLResolver] = [
    path("revenue/pricing/calculate", PricingView.as_view(), name="pricing-calculate"),
    path("revenue/pricing/recommend-tier", RecommendView.as_view(), name="pricing-recommend"),
    path("revenue/upsell/analyze", UpsellView.as_view(), name="upsell-analyze"),
    path("revenue/tiers", TiersView.as_view(), name="tiers"),
]
