"""Examples of upsell for the API documentation."""

from typing import Any

from revenue.pricing.examples import ENGINE, USAGE

ANALYSIS = ENGINE.calculate_upsell_opportunity("starter", USAGE)
OPPORTUNITY: dict[str, Any] = {
    "opportunity_id": 12,
    "customer_id": "acme",
    "kind": "plan_fit",
    "state": "open",
    "current_tier": "starter",
    "recommended_tier": "professional",
    "currency": "USD",
    "reason": "Professional: api_calls of 15000 is above 10000.",
    "costs": {
        "starter": {"low": 31.9, "estimate": 31.9, "high": 31.9},
        "professional": {"low": 108.9, "estimate": 108.9, "high": 108.9},
    },
    "gain_low": 77.0,
    "gain": 77.0,
    "gain_high": 77.0,
    "confidence": 0.6,
    "owner": "",
    "outcome": "",
    "notes": "",
    "agreed_amount": None,
    "found_at": "2026-01-12T04:10:00Z",
    "offered_at": None,
    "delivery": "",
    "expires_at": None,
    "decided_at": None,
    "decided_by": "",
}
