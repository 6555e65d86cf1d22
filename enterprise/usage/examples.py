"""Examples of the usage calls, for the OpenAPI document."""

from typing import Any

READINGS: dict[str, Any] = {
    "client_id": "acme",
    "usage_data": {
        "current": {"api_calls": 8200, "storage_gb": 61.5},
        "limits": {"api_calls": 10000, "storage_gb": 100},
    },
}
EVENT: dict[str, Any] = {
    "event_id": "call-20261231-0001",
    "client_id": "acme",
    "metric": "api_calls",
    "quantity": 25,
    "timestamp": "2026-12-31T23:58:00Z",
}
SUMMARY: dict[str, Any] = {
    "client_id": "acme",
    "timestamp": "2026-12-31T23:59:00Z",
    "usage_percentages": {"api_calls": 82.0, "storage_gb": 61.5},
    "without_limit": [],
    "alerts": [
        {
            "severity": "warning",
            "metric": "api_calls",
            "usage_percent": 82.0,
            "message": "8,200 of 10,000 api_calls used (82 %).",
        }
    ],
    "requires_attention": True,
}
TRACKED: dict[str, Any] = {
    "summary": SUMMARY,
    "readings": {"api_calls": "accepted", "storage_gb": "accepted"},
    "ignored": [],
}
ITEM: dict[str, Any] = {
    "index": 0,
    "event_id": "call-20261231-0001",
    "status": "accepted",
    "reason": "",
}
OPPORTUNITY: dict[str, Any] = {
    "type": "limit_pressure",
    "confidence": 0.6,
    "reason": "api_calls was at 80 % of its limit or more in 2 of the last 3 periods.",
    "suggested_action": "Offer the larger plan before the limit is reached.",
    "estimated_value": 70.0,
    "currency": "USD",
    "priority": "high",
    "current_tier": "starter",
    "recommended_tier": "professional",
}
ANALYSIS: dict[str, Any] = {"opportunities": [OPPORTUNITY], "count": 1, "reason": "", "ignored": []}
HISTORY: dict[str, Any] = {
    "client_id": "acme",
    "current_tier": "starter",
    "usage_history": [
        {"current": {"api_calls": 8400}, "limits": {"api_calls": 10000}},
        {"current": {"api_calls": 9100}, "limits": {"api_calls": 10000}},
    ],
}
METRIC_USE: dict[str, Any] = {
    "total": 8200.0,
    "daily_average": 273.333333,
    "peak_day": "2026-12-14",
    "limit": 10000.0,
    "usage_percent": 82.0,
    "growth_percent": 12.4,
    "trend": "growing",
    "days_to_limit": 6,
    "days_to_limit_earliest": 5,
    "days_to_limit_latest": 8,
    "days_to_limit_reason": "",
    "forecast_method": "line",
    "kind": "counter",
    "unit": "calls",
}
FRESHNESS: dict[str, Any] = {
    "receipt": [{"source": "api", "events": 120, "p50_seconds": 1.2, "p95_seconds": 4.8}],
    "waiting_clients": 0,
    "oldest_wait_seconds": 0.0,
    "checked_at": "2026-12-31T03:30:00Z",
    "hours_compared": 26,
    "differences": 0,
}
REPORT: dict[str, Any] = {
    "client_id": "acme",
    "report_period": {"first_day": "2026-12-02", "last_day": "2026-12-31", "days": 30},
    "generated_at": "2026-12-31T23:59:00Z",
    "usage_summary": {"api_calls": METRIC_USE},
    "cost_analysis": {
        "currency": "USD",
        "current_monthly_cost": 29.0,
        "projected_next_month": 31.9,
        "projected_low": 29.0,
        "projected_high": 37.7,
        "overage_charges": 0.0,
        "reason": "",
    },
    "recommendations": ["8,200 of 10,000 api_calls used (82 %). Offer a larger limit or plan."],
    "health_score": 100,
    "risk_level": "low",
    "freshness": FRESHNESS,
}
CAMPAIGN: dict[str, Any] = {
    "campaign_id": 7,
    "client_id": "acme",
    "campaign_type": "limit_pressure",
    "state": "offered",
    "current_tier": "starter",
    "recommended_tier": "professional",
    "reason": "api_calls was at 80 % of its limit or more in 2 of the last 3 periods.",
    "estimated_value": 70.0,
    "currency": "USD",
    "created_at": "2026-12-31T23:59:00Z",
    "expires_at": "2027-01-30T23:59:00Z",
}
STORED_EVENT: dict[str, Any] = {
    **EVENT,
    "received_at": "2026-12-31T23:58:02Z",
    "source": "api",
    "status": "accepted",
    "reason": "",
    "corrects": "",
    "corrected_by": [],
    "hour": "2026-12-31T23:00:00Z",
    "period_start": "2026-12-01",
    "is_late": False,
    "possible_duplicate": False,
    "billed_in": "",
    "backfill_id": None,
}
BACKFILL: dict[str, Any] = {
    "backfill_id": 3,
    "state": "previewed",
    "mode": "add",
    "digest": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "previewed_at": "2026-12-31T12:00:00Z",
    "applied_at": None,
    "reverted_at": None,
    "preview": {
        "accepted": 1,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 0,
        "voided": 0,
        "items": [],
        "days": [
            {
                "customer": 12,
                "metric": "api_calls",
                "day": "2026-10-03",
                "before": 120.0,
                "after": 145.0,
                "difference": 25.0,
                "events": 1,
            }
        ],
        "closed_periods": [{"customer": 12, "metric": "api_calls", "period_start": "2026-10-01"}],
        "adjustments": [{"customer": 12, "currency": "USD", "amount": 0.0, "reason": ""}],
        "alerts": [],
    },
}
