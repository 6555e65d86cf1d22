"""The SQL that stores new tasks, and the rows it takes.

On PostgreSQL one statement with one JSON text stores the tasks of a whole call, on SQLite one
prepared statement; model instances and a parameter per value take several times the CPU.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from operations.scheduling.planner.urgency import queue_key
from operations.scheduling.submission import Chain
from operations.scheduling.task_spec import AITask

PENDING, QUEUED, COMPLETED, FAILED = "pending", "queued", "completed", "failed"


class NewTaskRow(NamedTuple):
    """A new row by its columns; the times follow from the status."""

    task_id: str
    task_type: str
    priority: int
    estimated_duration: float
    estimate_used: float
    pool_id: int
    status: str
    unmet_dependencies: int
    chain_weight: float
    chain_seconds: float
    queue_key: float | None
    error: str


COLUMNS = f"{', '.join(NewTaskRow._fields)}, created_at, ready_at, completed_at"
CONSTANTS = {"previous_worker": "''", "attempt": "0", "planned_worker": "''"}
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
ORDER BY place RETURNING id"""  # noqa: S608 - only names from this file
LINKS_BY_JSON = f"{LINKS} SELECT (r->>0)::bigint, (r->>1)::bigint FROM {ROWS} ORDER BY place"  # noqa: S608 - the same
TASKS_BY_ROW = (
    f"{TASKS} VALUES ({', '.join(['%s'] * (len(CASTS) + 3))}, {', '.join(CONSTANTS.values())})"
)
LINKS_BY_ROW = f"{LINKS} VALUES (%s, %s)"


def new_rows(
    tasks: Mapping[str, AITask],
    order: Sequence[str],
    stored_states: Mapping[str, str],
    computed: Mapping[str, tuple[float, int, Chain]],
    now: float,
) -> dict[str, NewTaskRow]:
    """The row of each new task, in the order of `order`.

    `stored_states` are the statuses of stored tasks on which new ones depend, `computed` the
    estimate, the pool and the chain of each new task, `now` seconds.
    """
    made: dict[str, NewTaskRow] = {}
    for name in order:
        task = tasks[name]
        states = [
            (need, made[need].status if need in made else stored_states[need])
            for need in task.dependencies
        ]
        status, error = initial_status(states)
        estimate, pool, chain = computed[name]
        made[name] = NewTaskRow(
            name,
            task.task_type,
            int(task.priority),
            task.estimated_duration,
            estimate,
            pool,
            status,
            0 if error else sum(state != COMPLETED for _, state in states),
            chain.weight,
            chain.seconds,
            queue_key(now, chain.weight / chain.seconds) if status == QUEUED else None,
            error,
        )
    return made


def initial_status(needs: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """(status, error) of a new task, given the names and statuses of its dependencies."""
    status = QUEUED
    for name, state in needs:
        if state == FAILED:
            return FAILED, f"dependency {name} failed"
        if state != COMPLETED:
            status = PENDING
    return status, ""


def with_times(rows: Iterable[NewTaskRow], now: Any) -> list[tuple[Any, ...]]:
    """The parameters of `TASKS_BY_ROW`; `now` as the database takes it."""
    return [
        (*row, now, now if row.status == QUEUED else None, now if row.status == FAILED else None)
        for row in rows
    ]
