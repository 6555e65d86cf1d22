"""Examples for the OpenAPI document; the requests work as printed."""

from typing import Any

KEY: dict[str, Any] = {
    "key_id": "billing-signing-secret",
    "key_type": "signing_secret",
    "security_level": "high",
    "rotator": "generated",
    "state": "active",
    "owner": "Billing",
    "created_at": "2026-11-02T09:00:00+00:00",
    "last_rotated": "2026-11-02T09:00:00+00:00",
    "rotation_interval_days": 60,
    "next_rotation": "2027-01-01T09:00:00+00:00",
    "version": 1,
}
DUE_KEY: dict[str, Any] = {
    **KEY,
    "next_rotation": "2026-12-01T09:00:00+00:00",
    "days_overdue": 3,
    "last_error": "",
}
REGISTER = {name: KEY[name] for name in ("key_id", "key_type", "security_level", "owner")}
REGISTERED = {"key_info": KEY, "secret": "hPZbV1u6rXv0a3nS8yQ4mJd2kT7wLc9eB5gFxIoUqRs"}
ROTATE: dict[str, Any] = {"reason": "manual", "grace_minutes": 60}
ROTATION: dict[str, Any] = {
    "key_id": "billing-signing-secret",
    "reason": "manual",
    "rotated_at": "2026-11-20T14:30:00+00:00",
    "previous_rotation": "2026-11-02T09:00:00+00:00",
    "next_rotation": "2027-01-19T14:30:00+00:00",
    "version": 2,
    "new_key": "V9s2LkQpX4dT6mRyB1wJc8fZn3gHaE7uK5oIxSvUqNt",
    "previous_valid_until": "2026-11-20T15:30:00+00:00",
    "action_required": None,
}
VALUE: dict[str, Any] = {
    "key_id": "billing-signing-secret",
    "version": 2,
    "value": ROTATION["new_key"],
    "detail": {},
    "previous_valid_until": ROTATION["previous_valid_until"],
}
ROTATION_RUN: dict[str, Any] = {
    "rotations": [{**ROTATION, "reason": "scheduled", "new_key": None}],
    "failures": [{"key_id": "warehouse-database", "error": "The new password was refused."}],
    "count": 1,
    "due": 2,
    "held_back": 0,
    "paused_because": None,
    "by_hand": ["partner-token"],
    "under_way": [],
}
REPORT: dict[str, Any] = {
    "generated_at": "2026-12-04T09:00:00+00:00",
    "total_keys": 14,
    "overdue": 1,
    "due_soon": 2,
    "healthy": 11,
    "failing": 0,
    "overdue_keys": [DUE_KEY],
    "due_soon_keys": [{**DUE_KEY, "next_rotation": "2026-12-09T09:00:00+00:00", "days_overdue": 0}],
    "paused_keys": 0,
    "failing_keys": [],
    "last_run_at": "2026-12-04T02:30:00+00:00",
    "recommendations": ["Rotate the 1 other overdue key."],
}
