"""Example of an invoice preview for the API reference."""

from typing import Any

from revenue.pricing.examples import PRICE_RESPONSE

QUESTION: dict[str, Any] = {"customer_id": "acme", "month": "2026-03-01"}
INVOICE: dict[str, Any] = {
    "customer_id": "acme",
    "currency": "USD",
    "period_start": "2026-03-01",
    "period_end": "2026-04-01",
    "is_complete": True,
    "is_issued": False,
    "version": "standard version 1",
    "usage": {"api_calls": 50000.0},
    "lines": PRICE_RESPONSE["pricing"]["lines"][:2],
    "total": 108.9,
    "carried": 0.0,
    "not_given": ["usage_data.storage_gb", "usage_data.user_seats"],
    "unbilled": [
        {
            "metric": "api_calls",
            "quantity": 120.0,
            "first_day": "2026-03-01",
            "last_day": "2026-03-04",
            "reason": "trial",
        }
    ],
}
