"""The SQL that assigns tasks: it finds, locks and leases them, and returns what they needed.

One round trip and one commit, however many tasks wait. On PostgreSQL rows that another call has
locked are skipped; SQLite has only one writer at a time.
"""

from collections.abc import Iterable

from operations.scheduling.durations import MIN_LEASE_SECONDS, MIN_RUNS_FOR_P95, Z95

DIALECTS = {
    "postgresql": {
        "lock": "FOR UPDATE SKIP LOCKED",
        "greatest": "GREATEST",
        "worker": "CAST(CAST(%(workers)s AS jsonb) ->> CAST(place - 1 AS integer) AS bigint)",
        "until": "CAST(%(now)s AS timestamptz) + chosen.seconds * interval '1 second'",
        "list": "jsonb_agg(name)",
    },
    "sqlite": {
        "lock": "",
        "greatest": "MAX",
        "worker": "json_extract(%(workers)s, '$[' || (place - 1) || ']')",
        "until": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', %(now)s, chosen.seconds || ' seconds')",
        "list": "json_group_array(name)",
    },
}
# `workers` is a JSON list of worker ids, one for each task; `lease` is in seconds, or null for
# twice the 95th percentile of the task type. The %(names)s are bound parameters.
STATEMENT = """
WITH ready AS MATERIALIZED (
  SELECT id, queue_key, task_type, estimate_used FROM operations_task
  WHERE pool_id = %(pool)s AND status = 'queued'
  ORDER BY queue_key, id LIMIT %(count)s {lock}
), chosen AS (
  SELECT id, row_number() OVER (ORDER BY queue_key, id) AS place, COALESCE(
    CAST(%(lease)s AS double precision),
    {greatest}({min_lease}, 2 * COALESCE((
      SELECT exp(stats.mean + {z95} * sqrt(stats.variance))
      FROM operations_taskdurationstats AS stats
      WHERE stats.task_type = ready.task_type AND stats.runs >= {min_runs}
    ), estimate_used))
  ) AS seconds
  FROM ready
)
UPDATE operations_task SET
  status = 'running', worker_id = {worker}, started_at = %(now)s, attempt = attempt + 1,
  lease_seconds = chosen.seconds, lease_until = {until}
FROM chosen WHERE operations_task.id = chosen.id
RETURNING {columns}, (
  SELECT {list} FROM (
    SELECT needed.task_id AS name FROM operations_dependency AS link
    JOIN operations_task AS needed ON needed.id = link.needs_id
    WHERE link.task_id = operations_task.id ORDER BY link.id
  ) AS listed
) AS needed_names
"""


def statement(vendor: str, columns: Iterable[str]) -> str:
    """The SQL for that database; it returns these columns of each task, and `needed_names`."""
    return STATEMENT.format(
        **DIALECTS[vendor],
        columns=", ".join(f"operations_task.{each}" for each in columns),
        min_lease=MIN_LEASE_SECONDS,
        min_runs=MIN_RUNS_FOR_P95,
        z95=Z95,
    )
