"""The examples of the task calls in the API reference."""

SUBMISSION = {
    "task_id": "train-42",
    "task_type": "training",
    "priority": "high",
    "estimated_duration": 120,
    "dependencies": [],
}
TASK: dict[str, object] = {
    "task_id": "train-42",
    "task_type": "training",
    "priority": 3,
    "estimated_duration": 120.0,
    "dependencies": [],
    "status": "queued",
    "created_at": "2026-11-20T12:00:00+00:00",
    "started_at": None,
    "completed_at": None,
    "assigned_worker": None,
    "planned_start": "2026-11-20T12:00:00+00:00",
    "planned_worker": "worker-1",
    "ready_at": "2026-11-20T12:00:00+00:00",
    "lease_until": None,
    "attempt": 0,
    "error": None,
}
RUNNING = {
    **TASK,
    "status": "running",
    "started_at": "2026-11-20T12:00:10+00:00",
    "assigned_worker": "agent-7",
    "lease_until": "2026-11-20T12:05:10+00:00",
    "attempt": 1,
}
COMPLETED = {
    **RUNNING,
    "status": "completed",
    "completed_at": "2026-11-20T12:02:00+00:00",
    "lease_until": None,
}
METRICS = {
    "metrics": {
        "total_tasks": 12,
        "pending": 2,
        "queued": 3,
        "running": 1,
        "completed": 6,
        "failed": 0,
        "avg_completion_time_seconds": 104.2,
        "throughput_per_hour": 6,
        "worker_utilization_percent": 61.5,
        "active_workers": 1,
        "total_workers": 4,
        "makespan_seconds": 360.0,
        "makespan_lower_bound_seconds": 360.0,
        "makespan_gap_percent": 0.0,
        "planned_at": "2026-11-20T12:00:00+00:00",
    },
    "bottlenecks": [
        {
            "type": "critical_path",
            "severity": "low",
            "description": "The longest chain of dependencies takes at least 6 min: "
            "train-42, score-42.",
            "suggestion": "Split or shorten these tasks; more workers do not help here.",
            "tasks": ["train-42", "score-42"],
            "seconds_saved": None,
        }
    ],
}
