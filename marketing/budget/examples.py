"""Examples in the API reference; the request can be sent as it is."""

from typing import Any

OPTIMIZE_REQUEST: dict[str, Any] = {
    "total_budget": 10000,
    "historical_data": [
        {"channel": "Google Ads", "spend": 3000, "revenue": 12000, "date": "2026-01-05"},
        {"channel": "Facebook", "spend": 2500, "revenue": 7500, "date": "2026-01-05"},
        {"channel": "LinkedIn", "spend": 1500, "revenue": 3000, "date": "2026-01-05"},
    ],
    "min_allocation_percent": 5,
    "constraints": {"LinkedIn": {"max": 3000}},
    "currency": "USD",
}
PLAN_ALLOCATION = {
    "channel": "Google Ads",
    "amount": 5321.5,
    "current_allocation": 3000.0,
    "action": "increase",
    "reason": "The next unit earns 2.41 here now, 1.92 after the change.",
}
INTERVAL = {"estimate": 4.2, "low": 1.1, "high": 8.0}
PLAN: dict[str, Any] = {
    "plan_id": 12,
    "status": "proposed",
    "verdict": "",
    "origin": "api",
    "mode": "channels",
    "total_budget": 5321.5,
    "currency": "USD",
    "budget_periods": 1,
    "starts_on": None,
    "ends_on": None,
    "shares": [PLAN_ALLOCATION],
    "expected_revenue": {"estimate": 18950.0, "low": 17020.0, "high": 21180.0},
    "expected_lift_percent": INTERVAL,
    "realised_lift_percent": None,
    "probability_of_lift": 0.97,
    "auto_applicable": False,
    "method": "36 shapes x 5 decays, v1",
    "decided_by": "",
    "created_at": "2026-01-12T03:00:00Z",
    "approved_at": None,
    "applied_at": None,
    "rolled_back_at": None,
}
REASON = (
    "The next USD brings {} USD at its present share and {} at the suggested one; the last USD of "
    "the plan brings 1.51. Evidence: low (1 row, spend varied by 0%)."
)
HALF = "trust region (half its present share)"
CHANGE_FIELDS = ("channel", "action", "reason", "current_allocation", "suggested_allocation")
CHANGES = (
    ("Google Ads", "increase", REASON.format(1.85, 1.51), 3000.0, 5801.86),
    ("Facebook", "increase", REASON.format(1.38, 1.51), 2500.0, 3126.71),
    ("LinkedIn", "decrease", f"{REASON.format(0.92, 1.39)} Limited by {HALF}.", 1500.0, 1071.43),
)
CHANNEL_FIELDS = (
    *("channel", "marginal_roi", "marginal_roi_now", "saturation_percent"),
    *("allocation_low", "allocation_high", "trend", "evidence", "bound"),
)
CHANNELS = (
    ("Facebook", 1.5063, 1.3843, 44.65, 1785.71, 5941.79, "flat", "low", ""),
    ("Google Ads", 1.5124, 1.8457, 48.89, 2704.21, 7142.86, "flat", "low", ""),
    ("LinkedIn", 1.3946, 0.9228, 39.22, 1071.43, 2995.68, "flat", "low", HALF),
)
OPTIMIZE_RESPONSE: dict[str, Any] = {
    "allocations": {"Facebook": 3126.71, "Google Ads": 5801.86, "LinkedIn": 1071.43},
    "channel_roi": {"Facebook": 200.0, "Google Ads": 300.0, "LinkedIn": 100.0},
    "total_budget": 10000.0,
    "currency": "USD",
    "recommendations": [dict(zip(CHANGE_FIELDS, each, strict=True)) for each in CHANGES],
    "expected_revenue": {"estimate": 28573.7, "low": 21176.22, "high": 37253.49},
    "expected_lift_percent": {"estimate": 1.94, "low": -6.49, "high": 12.18},
    "channels": [dict(zip(CHANNEL_FIELDS, each, strict=True)) for each in CHANNELS],
    "probability_of_lift": 0.64,
    "auto_applicable": False,
    "method": "channels: 36 shapes x 5 decays, v1",
    "plan_id": 12,
    "mode": "channels",
    "present": {"Facebook": 2500.0, "Google Ads": 3000.0, "LinkedIn": 1500.0},
    "marginal_return": 1.5076,
    "evidence": "low",
    "reasons_against": [
        "The chance of a lift is 64.0%, below 90.0%.",
        "A channel would move by 93%, above the step limit of 20%.",
        "The total would change by 43%, above the step limit of 20%.",
        "There is no backtest yet.",
    ],
    "warnings": [],
    "backtest": "No backtest: 1 dated period, below the 16 it needs.",
    "next_experiment": {
        "channel": "Google Ads",
        "sentence": "Vary Google Ads around $5,802 a period by a random 30% "
        "up or down for 8 periods: the data leave its best amount "
        "anywhere from $2,704 to $7,143, more than for any other "
        "channel.",
    },
    "placebo": {},
}
