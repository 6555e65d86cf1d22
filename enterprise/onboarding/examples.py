"""Examples of the onboarding calls, for the OpenAPI document. Pure."""

from typing import Any

ID = "6f1c2f4e-7f0c-4f6a-9a53-0f6a2f0f8a11"
COMPANY: dict[str, Any] = {
    "company_name": "Lumen Freight",
    "employee_count": 500,
    "annual_revenue": 50000000,
    "contact_email": "ops@lumen.example",
}
FORECAST = {
    "low": "2026-12-02T10:00:00Z",
    "high": "2026-12-07T15:00:00Z",
    "reference_flows": 0,
}
STEP: dict[str, Any] = {
    "order": 1,
    "name": "account_creation",
    "status": "ready",
    "estimated_duration_hours": 1.0,
    "assigned_to": "automation",
    "dependencies": [],
    "due_at": "2026-12-01T10:00:00Z",
    "evidence": "checked",
}
CONTACTS: dict[str, Any] = {
    "account_manager": "Ada Moreau",
    "technical_lead": None,
    "support_team": None,
}
FLOW: dict[str, Any] = {
    "onboarding_id": ID,
    "company_name": "Lumen Freight",
    "sla_tier": "premium",
    "tier_reasons": ["employees 500 > 100", "annual revenue 50,000,000 > 10,000,000"],
    "status": "active",
    "created_at": "2026-12-01T09:00:00Z",
    "estimated_completion": "2026-12-02T12:00:00Z",
    "forecast": FORECAST,
    "steps": [STEP],
    "resources": {
        "api_rate_limit": 50000,
        "storage_gb": 500,
        "compute_units": 5000,
        "support_hours": "extended",
    },
    "contacts": CONTACTS,
}
LISTED: dict[str, Any] = {
    "onboarding_id": ID,
    "company_name": "Lumen Freight",
    "sla_tier": "premium",
    "status": "active",
    "created_at": "2026-12-01T09:00:00Z",
    "overall_progress": 50.0,
    "current_step": "documentation_access",
    "estimated_completion": "2026-12-02T12:00:00Z",
}
STATUS: dict[str, Any] = {
    "onboarding_id": ID,
    "status": "active",
    "overall_progress": 50.0,
    "effort_progress": 45.5,
    "completed_steps": 4,
    "total_steps": 8,
    "current_step": "documentation_access",
    "estimated_completion": "2026-12-02T12:00:00Z",
    "forecast": FORECAST,
}
REPORT: dict[str, Any] = {
    "onboarding_id": ID,
    "status": "active",
    "completion_percentage": 50.0,
    "effort_progress": 45.5,
    "days_elapsed": 1,
    "estimated_days_remaining": 1,
    "time_to_first_value_days": None,
    "milestones_achieved": [{"name": "account_creation", "achieved_at": "2026-12-01T09:00:04Z"}],
    "next_steps": [
        {
            "name": "documentation_access",
            "assigned_to": "account_manager",
            "due_at": "2026-12-02T10:00:00Z",
        }
    ],
    "blockers": [
        {
            "step": "documentation_access",
            "kind": "unassigned",
            "reason": "nobody has it",
            "owner": "account_manager",
            "since": "2026-12-01T09:00:04Z",
        }
    ],
    "team_contacts": CONTACTS,
    "sla": {
        "terms": {
            "tier": "premium",
            "response_hours": 4,
            "uptime_percent": 99.9,
            "extras": ["dedicated_support"],
            "support_hours": "extended",
            "api_rate_limit": 50000,
            "storage_gb": 500,
            "compute_units": 5000,
        },
        "response_target": "4 h of support time",
        "clocks": [
            {
                "kind": "response",
                "title": "First response of onboarding 1",
                "state": "running",
                "outcome": "open",
                "elapsed_percent": 12.5,
                "due_at": "2026-12-01T13:00:00Z",
            }
        ],
        "attainment_percent": None,
        "uptime_percent": 99.971,
    },
}
