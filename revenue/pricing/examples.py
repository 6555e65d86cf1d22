"""Examples for the API documentation; the requests can be sent as they are."""

from typing import Any

USAGE = {"api_calls": 50000, "storage_gb": 250}
PRICE_REQUEST: dict[str, Any] = {
    "tier": "professional",
    "usage_data": USAGE,
    "engagement_data": {"daily_active_rate": 0.75, "tenure_months": 18},
}
PRICE_RESPONSE: dict[str, Any] = {
    "pricing": {
        "tier": "professional",
        "currency": "USD",
        "base_price": 99.0,
        "usage_multiplier": 1.21,
        "enterprise_multiplier": 1.0,
        "engagement_discount_percent": 8.0,
        "adjusted_price": 119.79,
        "discount_amount": 9.58,
        "final_price": 110.21,
        "calculated_at": "2026-01-12T03:00:00Z",
        "breakdown": {
            "base": 99.0,
            "usage_adjustment": 20.79,
            "enterprise_adjustment": 0.0,
            "engagement_discount": -9.58,
            "guardrails": 0.0,
            "charges": 0.0,
        },
        "lines": [
            {
                "kind": "base",
                "description": "Professional, a month",
                "quantity": 1.0,
                "unit_amount": 99.0,
                "amount": 99.0,
            },
            {
                "kind": "usage_adjustment",
                "description": "api_calls of 50000: x 1.1",
                "quantity": 1.0,
                "unit_amount": 9.9,
                "amount": 9.9,
            },
            {
                "kind": "usage_adjustment",
                "description": "storage_gb of 250: x 1.1",
                "quantity": 1.0,
                "unit_amount": 10.89,
                "amount": 10.89,
            },
            {
                "kind": "engagement_discount",
                "description": "Discount 8 % (daily_active_rate 3 %, tenure_months 5 %)",
                "quantity": 1.0,
                "unit_amount": -9.58,
                "amount": -9.58,
            },
        ],
        "quote_id": "0a2f3c1e-7f43-4c57-9a3c-0a52b9f7d1c4",
        "not_given": ["usage_data.user_seats", "engagement_data.feature_adoption_rate"],
        "ignored": [],
        "guardrails_hit": [],
        "warnings": [],
    }
}
REASON = "Professional: api_calls of 50000 is above 10000, storage_gb of 250 is above 100."
RECOMMENDATION: dict[str, Any] = {
    "recommended_tier": "professional",
    "reason": REASON,
    "comparison": [
        {
            "tier": "starter",
            "monthly_cost": 35.09,
            "fits": False,
            "why": f"Too small. {REASON}",
        },
        {"tier": "professional", "monthly_cost": 119.79, "fits": True, "why": REASON},
        {
            "tier": "enterprise",
            "monthly_cost": 603.79,
            "fits": True,
            "why": f"Larger than needed. {REASON}",
        },
    ],
}
TIERS: dict[str, Any] = {
    "tiers": {
        "starter": {
            "name": "Starter",
            "base_price": 29.0,
            "currency": "USD",
            "features": ["10,000 API calls", "100 GB storage", "10 seats"],
        }
    }
}
