"""Prices and recommendations as API responses; amounts as Decimal."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from revenue.pricing.calculation.plan_price import CalculatedPrice
from revenue.pricing.calculation.recommend import PlanRecommendation, PlanUpgrade


def price_response(
    price: CalculatedPrice, calculated_at: datetime, quote_id: str | None
) -> dict[str, Any]:
    """The `pricing` object of a quote."""
    return {
        "tier": price.plan,
        "currency": price.currency,
        "base_price": price.base_price,
        "usage_multiplier": price.usage_multiplier,
        "enterprise_multiplier": price.enterprise_multiplier,
        "engagement_discount_percent": price.engagement_discount_percent,
        "adjusted_price": price.adjusted_price,
        "discount_amount": price.discount_amount,
        "final_price": price.final_price,
        "calculated_at": calculated_at,
        "breakdown": dict(price.breakdown),
        "lines": [
            {
                "kind": each.kind,
                "description": each.description,
                "quantity": each.quantity,
                "unit_amount": each.unit_amount,
                "amount": each.amount,
            }
            for each in price.lines
        ],
        "quote_id": quote_id,
        "not_given": list(price.not_given),
        "ignored": list(price.ignored),
        "guardrails_hit": list(price.hits),
        "warnings": list(price.warnings),
    }


def recommendation_response(found: PlanRecommendation) -> dict[str, Any]:
    return {
        "recommended_tier": found.tier,
        "reason": found.reason,
        "comparison": [
            {
                "tier": each.tier,
                "monthly_cost": each.monthly_cost,
                "fits": each.fits,
                "why": each.why,
            }
            for each in found.comparison
        ],
    }


def upgrade_response(found: PlanUpgrade | None) -> dict[str, Any]:
    """The response of upsell/analyze; `upsell` is null where there is no opportunity."""
    if found is None:
        return {"has_opportunity": False, "upsell": None}
    offer = {
        "current_tier": found.current,
        "recommended_tier": found.recommended,
        "reason": found.reason,
        "potential_revenue_increase": found.increase,
        "confidence": found.confidence,
    }
    return {"has_opportunity": True, "upsell": offer}


def plain_numbers(value: Any) -> Any:
    """The same with Decimals as floats and times as ISO text."""
    if isinstance(value, dict):
        return {name: plain_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain_numbers(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
