"""The one writer of new tasks: all of a call are stored, or none.

Stored tasks that new ones need are locked in the order of their ids, and what waits for a task
has a higher id than the task: so no two calls wait for each other.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from operations.scheduling import reports, submission, submit_sql
from operations.scheduling.models import Dependency, Pool, Task
from operations.scheduling.planner.urgency import key, weight
from operations.scheduling.scheduler import DEFAULT_POOL, same
from operations.scheduling.services.workers import ready_pools
from operations.scheduling.submission import Chain, Standing
from operations.scheduling.submit_sql import Arrival
from operations.scheduling.task_spec import AITask

Status = Task.Status
BATCH = 1_000
Writer = tuple[
    Callable[[Sequence[Arrival], datetime], list[int]],
    Callable[[Sequence[tuple[int, int]]], None],
]


def submit(tasks: Iterable[AITask], now: datetime, *, way: str = "") -> list[Task]:
    """Store all tasks of a call, in any order, or none; each id once, as the call gave them.

    `way` is one of WRITERS, usually the database's own.

    A task that is stored already with the same values stays as it is. Raises UnknownDependency,
    Cyclic, or DifferentTask where an id stands for something else.
    """
    batch = submission.distinct(tasks)
    ready_pools()
    with transaction.atomic():
        # one submission after another: so each id is stored once, whoever else sends it now
        Pool.objects.select_for_update(no_key=True).get(name=DEFAULT_POOL)
        return _stored(batch, now, way or connection.vendor)


def _stored(batch: Mapping[str, AITask], now: datetime, way: str) -> list[Task]:
    wanted = {*batch, *(need for task in batch.values() for need in task.dependencies)}
    known = reports.numbers(wanted)
    submission.refuse_unknown(batch, known)
    fresh = {name: task for name, task in batch.items() if name not in known}
    _refuse_others(batch, known)
    line = submission.in_order(fresh)
    needed = {need for task in fresh.values() for need in task.dependencies}
    held = _held({known[name] for name in needed if name in known})
    made = _rows(fresh, line, held, now, WRITERS[way])
    if held:
        _inherit(fresh, made, held)
    old = reports.tasks().in_bulk([name for name in batch if name in known], field_name="task_id")
    return [made.get(name) or old[name] for name in batch]


def _refuse_others(batch: Mapping[str, AITask], known: Collection[str]) -> None:
    """Stored tasks may be submitted again, but only as they are; a cycle is named first."""
    again = [name for name in batch if name in known]
    stored = reports.as_given(again)
    if any(set(stored[name].dependencies) != set(batch[name].dependencies) for name in again):
        needed = {need for task in batch.values() for need in task.dependencies}
        submission.refuse_cycle(batch, reports.needs_above(needed))
    for name in again:
        same(stored[name], batch[name])


def _held(numbers: set[int]) -> dict[str, Task]:
    """What new tasks need, and what may inherit from them, locked until the transaction ends."""
    if not numbers:
        return {}
    rows = Task.objects.filter(pk__in=reports.reached(numbers)).order_by("pk")
    return {row.task_id: row for row in rows.select_for_update()}


def _rows(
    fresh: Mapping[str, AITask],
    line: Sequence[str],
    held: Mapping[str, Task],
    now: datetime,
    write: Writer,
) -> dict[str, Task]:
    """New tasks stored in the order of `line`, each ready, waiting, or lost with what it needs."""
    pools = dict(Pool.objects.values_list("name", "pk"))
    learned = reports.learned({task.task_type for task in fresh.values()})
    estimates = {
        name: learned[task.task_type].estimate(task.estimated_duration)
        for name, task in fresh.items()
    }
    chains = submission.chains(fresh, estimates)
    found = {
        name: (estimates[name], pools.get(task.task_type, pools[DEFAULT_POOL]), chains[name])
        for name, task in fresh.items()
    }
    states = {name: str(row.status) for name, row in held.items()}
    rows = submit_sql.arrivals(fresh, line, states, found, now.timestamp())
    store, link = write
    numbers = dict(zip(rows, store(list(rows.values()), now), strict=True))
    known = {**{name: row.pk for name, row in held.items()}, **numbers}
    link([(known[name], known[need]) for name in rows for need in fresh[name].dependencies])
    return _as_stored(rows, numbers, now)


def at_once(rows: Sequence[Arrival], now: datetime) -> list[int]:
    """Store new tasks by one statement of PostgreSQL; their numbers, in the rows' order."""
    with connection.cursor() as cursor:
        cursor.execute(submit_sql.TASKS_BY_JSON, [now, submit_sql.as_json(rows)])
        return [number for (number,) in cursor.fetchall()]


def row_by_row(rows: Sequence[Arrival], now: datetime) -> list[int]:
    """As `at_once`, on a database where nobody else writes meanwhile."""
    last = Task.objects.aggregate(last=Max("pk"))["last"] or 0
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.executemany(submit_sql.TASKS_BY_ROW, submit_sql.timed(rows, moment))
    return list(Task.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True))


def link_at_once(pairs: Sequence[tuple[int, int]]) -> None:
    """Store dependencies, as (task, what it needs), by one statement of PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute(submit_sql.LINKS_BY_JSON, [submit_sql.as_json(pairs)])


def link_row_by_row(pairs: Sequence[tuple[int, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(submit_sql.LINKS_BY_ROW, pairs)


WRITERS: dict[str, Writer] = {
    "postgresql": (at_once, link_at_once),
    "sqlite": (row_by_row, link_row_by_row),
}


def _as_stored(
    rows: Mapping[str, Arrival], numbers: Mapping[str, int], now: datetime
) -> dict[str, Task]:
    """The rows as the database would give them back."""
    columns = [field.attname for field in Task._meta.concrete_fields]  # noqa: SLF001 - a documented name of Django's
    blank = Task(created_at=now)
    usual = [getattr(blank, column) for column in columns]
    places = [columns.index(column) for column in Arrival._fields]
    ready, ended = columns.index("ready_at"), columns.index("completed_at")
    made = {}
    for name, row in rows.items():
        values = usual.copy()
        for place, value in zip(places, row, strict=True):
            values[place] = value
        values[0] = numbers[name]
        values[ready] = now if row.status == Status.QUEUED else None
        values[ended] = now if row.status == Status.FAILED else None
        made[name] = Task.from_db(connection.alias, columns, values)
    return made


def _inherit(
    fresh: Mapping[str, AITask], made: Mapping[str, Task], held: Mapping[str, Task]
) -> None:
    """Stored work that frees more urgent new work inherits its urgency; `held` rows are locked."""
    rows = {row.pk: row for row in held.values() if row.status in reports.WAITING}
    needs: dict[int, list[int]] = {}
    links = Dependency.objects.filter(task__in=rows.keys())
    for task, need in links.values_list("task_id", "needs_id"):
        needs.setdefault(task, []).append(need)
    offers = [
        (held[need].pk, Chain(made[name].gain, made[name].cost))
        for name, task in fresh.items()
        if made[name].status != Status.FAILED
        for need in task.dependencies
        if need in held
    ]
    standing = {
        pk: Standing(weight(row.priority), row.estimate_used, Chain(row.gain, row.cost))
        for pk, row in rows.items()
    }
    better = submission.hurried(offers, standing, needs)
    for pk, chain in better.items():
        row = rows[pk]
        row.gain, row.cost = chain.gain, chain.cost
        if row.ready_at is not None:
            row.key = key(row.ready_at.timestamp(), row.gain / row.cost)
    changed = [rows[pk] for pk in better]
    Task.objects.bulk_update(changed, ["gain", "cost", "key"], batch_size=BATCH)
