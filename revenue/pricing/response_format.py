"""Prices and recommendations as API responses."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from revenue.pricing.calculation.plan_price import CalculatedPrice
from revenue.pricing.calculation.recommend import PlanRecommendation, PlanUpgrade


def price_response(
    price: CalculatedPrice, calculated_at: datetime, quote_id: str | None
) -> dict[str, Any]:
    """The `pricing` object of a quote."""
    found = {
        "tier": price.plan,
        "currency": price.currency,
        "base_price": price.base_price,
        "usage_multiplier": price.usage_multiplier,
        "enterprise_multiplier": price.enterprise_multiplier,
        "engagement_discount_percent": price.engagement_discount_percent,
        "adjusted_price": price.adjusted_price,
        "discount_amount": price.discount_amount,
        "final_price": price.final_price,
        "calculated_at": calculated_at.isoformat(),
        "breakdown": dict(price.breakdown),
        "lines": [asdict(each) for each in price.lines],
        "quote_id": quote_id,
        "not_given": price.not_given,
        "ignored": price.ignored,
        "guardrails_hit": price.hits,
        "warnings": price.warnings,
    }
    return with_floats(found)


def recommendation_response(found: PlanRecommendation) -> dict[str, Any]:
    return with_floats(asdict(found))


def upgrade_response(found: PlanUpgrade | None) -> dict[str, Any]:
    """The response of upsell/analyze; `upsell` is null where there is no opportunity."""
    upsell = None if found is None else with_floats(asdict(found))
    return {"has_opportunity": found is not None, "upsell": upsell}


def with_floats(values: dict[str, Any]) -> dict[str, Any]:
    """The same with Decimals as floats and tuples as lists, also in nested objects and lists."""
    return {name: _plain(each) for name, each in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return with_floats(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value
