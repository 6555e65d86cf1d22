"""Examples for the API documentation, calculated from the default prices."""

from typing import Any

from revenue.pricing.engine import DynamicPricingEngine
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.response_format import with_floats

ENGINE = DynamicPricingEngine()
USAGE = {"api_calls": 50000, "storage_gb": 250}
PRICE_REQUEST: dict[str, Any] = {
    "tier": "professional",
    "usage_data": USAGE,
    "engagement_data": {"daily_active_rate": 0.75, "tenure_months": 18},
}
PRICE_RESPONSE: dict[str, Any] = {
    "pricing": {
        **ENGINE.calculate_dynamic_price(**PRICE_REQUEST),
        "calculated_at": "2026-01-12T03:00:00Z",
        "quote_id": "0a2f3c1e-7f43-4c57-9a3c-0a52b9f7d1c4",
    }
}
RECOMMENDATION = ENGINE.recommend_tier(USAGE)
TIERS = {"tiers": with_floats(BOOK.on_sale())}
