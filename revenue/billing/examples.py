"""Example of an invoice preview for the API reference."""

from typing import Any

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
    ],
    "total": 108.9,
    "carried": 0.0,
    "not_given": ["usage_data.storage_gb", "usage_data.user_seats"],
}
