"""The one statement that hands out tasks: found, locked, leased and told with what they need.

One round trip and one commit, whatever the pool's length. On PostgreSQL rows that another call
has locked are passed over; SQLite has one writer at a time, and that lock.
"""

from collections.abc import Iterable

from operations.scheduling.durations import ENOUGH, SHORTEST_LEASE, Z95

DIALECTS = {
    "postgresql": {
        "lock": "FOR UPDATE SKIP LOCKED",
        "most": "GREATEST",
        "hand": "CAST(CAST(%(hands)s AS jsonb) ->> CAST(place - 1 AS integer) AS bigint)",
        "until": "CAST(%(now)s AS timestamptz) + turn.seconds * interval '1 second'",
        "list": "jsonb_agg(name)",
    },
    "sqlite": {
        "lock": "",
        "most": "MAX",
        "hand": "json_extract(%(hands)s, '$[' || (place - 1) || ']')",
        "until": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', %(now)s, turn.seconds || ' seconds')",
        "list": "json_group_array(name)",
    },
}
# `hands` are the numbers of workers as a JSON list, one for each task; `lease` is in seconds, or
# null for twice what such a task takes. The %(names)s are bound, never written into the text.
STATEMENT = """
WITH ready AS MATERIALIZED (
  SELECT id, key, task_type, estimate_used FROM operations_task
  WHERE pool_id = %(pool)s AND status = 'queued'
  ORDER BY key, id LIMIT %(count)s {lock}
), turn AS (
  SELECT id, row_number() OVER (ORDER BY key, id) AS place, COALESCE(
    CAST(%(lease)s AS double precision),
    {most}({shortest}, 2 * COALESCE((
      SELECT exp(known.mean + {z95} * sqrt(known.variance)) FROM operations_duration AS known
      WHERE known.task_type = ready.task_type AND known.runs >= {enough}
    ), estimate_used))
  ) AS seconds
  FROM ready
)
UPDATE operations_task SET
  status = 'running', worker_id = {hand}, started_at = %(now)s, attempt = attempt + 1,
  lease_seconds = turn.seconds, lease_until = {until}
FROM turn WHERE operations_task.id = turn.id
RETURNING {columns}, (
  SELECT {list} FROM (
    SELECT needed.task_id AS name FROM operations_dependency AS link
    JOIN operations_task AS needed ON needed.id = link.needs_id
    WHERE link.task_id = operations_task.id ORDER BY link.id
  ) AS listed
) AS needed_names
"""


def statement(vendor: str, columns: Iterable[str]) -> str:
    """The text for that database; it answers with these columns of each task, and what it needs."""
    return STATEMENT.format(
        **DIALECTS[vendor],
        columns=", ".join(f"operations_task.{each}" for each in columns),
        shortest=SHORTEST_LEASE,
        enough=ENOUGH,
        z95=Z95,
    )
