"""Examples of jobs for the API's documentation."""

from typing import Any

JOB: dict[str, Any] = {
    "job_id": 7,
    "kind": "marketing.optimize_budget",
    "title": "Divide a marketing budget",
    "subject": "",
    "status": "running",
    "progress": {"done": 3, "total": 10, "percent": 30.0, "note": "Fitting channels"},
    "attempt": 1,
    "created_at": "2026-11-20T12:00:00Z",
    "started_at": "2026-11-20T12:00:01Z",
    "ended_at": None,
    "cancel_requested_at": None,
    "error": None,
}
JOB_WITH_RESULT = {**JOB, "result": None}
