"""New tasks on their way into the table: how each stands at first, and what stores them.

One statement with one JSON text stores the tasks of a whole call on PostgreSQL, one prepared
statement on SQLite; an object and a value at a time takes several times the CPU.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from operations.scheduling.planner.urgency import key
from operations.scheduling.submission import Chain
from operations.scheduling.task_spec import AITask

PENDING, QUEUED, COMPLETED, FAILED = "pending", "queued", "completed", "failed"


class Arrival(NamedTuple):
    """A new row by its columns; the times follow from the status."""

    task_id: str
    task_type: str
    priority: int
    estimated_duration: float
    estimate_used: float
    pool_id: int
    status: str
    waits_for: int
    gain: float
    cost: float
    key: float | None
    error: str


COLUMNS = f"{', '.join(Arrival._fields)}, created_at, ready_at, completed_at"
CONSTANTS = {"lapsed_worker": "''", "attempt": "0", "planned_worker": "''"}
CASTS = (
    "text text smallint float8 float8 bigint text integer float8 float8 float8 text".split()  # noqa: SIM905 - one word a column
)
VALUES = ", ".join(f"(r->>{place})::{kind}" for place, kind in enumerate(CASTS))
ROWS = "jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS each (r, place)"
TASKS = f"INSERT INTO operations_task ({COLUMNS}, {', '.join(CONSTANTS)})"
LINKS = "INSERT INTO operations_dependency (task_id, needs_id)"
TASKS_BY_JSON = f"""{TASKS}
SELECT {VALUES}, moment.now,
    CASE WHEN r->>6 = '{QUEUED}' THEN moment.now END,
    CASE WHEN r->>6 = '{FAILED}' THEN moment.now END,
    {", ".join(CONSTANTS.values())}
FROM (SELECT %s::timestamptz AS now) AS moment, {ROWS}
ORDER BY place RETURNING id"""  # noqa: S608 - names of our own
LINKS_BY_JSON = f"{LINKS} SELECT (r->>0)::bigint, (r->>1)::bigint FROM {ROWS} ORDER BY place"  # noqa: S608 - the same
TASKS_BY_ROW = (
    f"{TASKS} VALUES ({', '.join(['%s'] * (len(CASTS) + 3))}, {', '.join(CONSTANTS.values())})"
)
LINKS_BY_ROW = f"{LINKS} VALUES (%s, %s)"


def arrivals(
    fresh: Mapping[str, AITask],
    line: Sequence[str],
    held: Mapping[str, str],
    found: Mapping[str, tuple[float, int, Chain]],
    now: float,
) -> dict[str, Arrival]:
    """How each new task stands at first, in the order of `line`.

    `held` are the states of stored tasks that new ones need, `found` the estimate, the pool and
    the chain of each new task, `now` seconds.
    """
    made: dict[str, Arrival] = {}
    for name in line:
        task = fresh[name]
        states = [(need, made[need].status if need in made else held[need])
                  for need in task.dependencies]  # fmt: skip
        status, error = standing(states)
        estimate, pool, chain = found[name]
        made[name] = Arrival(
            name,
            task.task_type,
            int(task.priority),
            task.estimated_duration,
            estimate,
            pool,
            status,
            0 if error else sum(state != COMPLETED for _, state in states),
            chain.gain,
            chain.cost,
            key(now, chain.gain / chain.cost) if status == QUEUED else None,
            error,
        )
    return made


def standing(needs: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """(status, error) of a new task that needs tasks of such names and states."""
    status = QUEUED
    for name, state in needs:
        if state == FAILED:
            return FAILED, f"dependency {name} failed"
        if state != COMPLETED:
            status = PENDING
    return status, ""


def as_json(rows: Iterable[Sequence[object]]) -> str:
    """The rows as one text for `TASKS_BY_JSON` or `LINKS_BY_JSON`."""
    return json.dumps(list(rows))


def timed(rows: Iterable[Arrival], now: Any) -> list[tuple[Any, ...]]:
    """The rows with their times for `TASKS_BY_ROW`; `now` as the database takes it."""
    return [
        (*row, now, now if row.status == QUEUED else None, now if row.status == FAILED else None)
        for row in rows
    ]
