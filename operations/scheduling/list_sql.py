"""The list of tasks as SQL whose rows are JSON texts: no row is built in Python.

The texts equal what `reports.tasks.as_dicts` returns: times in ISO 8601 in UTC, with microseconds
unless they are 0, and floats with as many digits as give the same number again.
"""

from functools import lru_cache

DEPENDENCIES = """
FROM operations_dependency d JOIN operations_task n ON n.id = d.needs_id WHERE d.task_id = t.id
"""
DIALECTS = {
    "sqlite": {
        "object": "json_object",
        "stored": "{0} || ''",  # else the driver parses the time of every row
        "time": (
            "replace(replace(substr({0} || CASE WHEN length({0}) > 19 THEN '000000' ELSE '' END, "
            "1, 26), '.000000', ''), ' ', 'T') || '+00:00'"
        ),
        "float": (
            "json(CASE WHEN CAST(printf('%%!.15g', {0}) AS REAL) = {0} "
            "THEN printf('%%!.15g', {0}) ELSE printf('%%!.17g', {0}) END)"
        ),
        "dependencies": (
            "json((SELECT json_group_array(task_id) FROM "  # noqa: S608 - constants
            f"(SELECT n.task_id {DEPENDENCIES} ORDER BY d.id)))"
        ),
        "text": "{0}",
    },
    "postgresql": {
        "object": "json_build_object",
        "stored": "{0}",
        "time": (
            "replace(to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), "
            "'.000000', '') || '+00:00'"
        ),
        "float": "{0}",
        "dependencies": (
            f"(SELECT coalesce(json_agg(n.task_id ORDER BY d.id), '[]') {DEPENDENCIES})"
        ),
        "text": "{0}::text",
    },
}
TEXTS = ("task_id", "task_type", "priority", "status", "attempt")
TIMES = (
    *("created_at", "started_at", "completed_at"),
    *("planned_start", "ready_at", "lease_until"),
)


@lru_cache(maxsize=256)
def page(vendor: str, *, status: bool, worker: bool, beyond: bool, back: bool, limit: int) -> str:
    """The query for `limit` tasks, newest first, or with `back` oldest first.

    Its parameters, if asked for: status, worker's name, and `beyond`: time of creation and id.
    """
    side, order = (">", "ASC") if back else ("<", "DESC")
    wanted = [
        *(["t.status = %s"] if status else []),
        *(["w.name = %s"] if worker else []),
        *([f"(t.created_at, t.id) {side} (%s, %s)"] if beyond else []),
    ]
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    created_at = DIALECTS[vendor]["stored"].format("t.created_at")
    return (
        f"SELECT {created_at}, t.id, {task(vendor)} "  # noqa: S608 - our own names; values are bound
        f"FROM operations_task t LEFT JOIN operations_worker w ON w.id = t.worker_id {where} "
        f"ORDER BY t.created_at {order}, t.id {order} LIMIT {limit:d}"
    )


def task(vendor: str) -> str:
    """One task as a JSON text."""
    dialect = DIALECTS[vendor]
    fields = {name: f"t.{name}" for name in TEXTS}
    fields |= {name: dialect["time"].format(f"t.{name}") for name in TIMES}
    fields |= {
        "estimated_duration": dialect["float"].format("t.estimated_duration"),
        "dependencies": dialect["dependencies"],
        "assigned_worker": "w.name",
        "planned_worker": "nullif(t.planned_worker, '')",
        "error": "nullif(t.error, '')",
    }
    pairs = ", ".join(f"'{name}', {value}" for name, value in fields.items())
    return dialect["text"].format(f"{dialect['object']}({pairs})")
