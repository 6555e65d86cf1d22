"""Store the new tasks of one submission: all of them, or none.

Stored tasks on which new ones depend are locked in the order of their ids, and a task has a
higher id than its dependencies, so no two calls deadlock.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from operations.scheduling import submission, submit_sql
from operations.scheduling.models import Dependency, Pool, Task
from operations.scheduling.planner.urgency import queue_key, weight
from operations.scheduling.reports import tasks as reports
from operations.scheduling.scheduler import DEFAULT_POOL, check_same, unique_tasks
from operations.scheduling.services.task_state import BATCH_ROWS, Status
from operations.scheduling.services.workers import ensure_pools
from operations.scheduling.submission import Chain, TaskState
from operations.scheduling.submit_sql import NewTaskRow
from operations.scheduling.task_spec import AITask

Writer = tuple[
    Callable[[Sequence[NewTaskRow], datetime], list[int]],
    Callable[[Sequence[tuple[int, int]]], None],
]


def submit(tasks: Iterable[AITask], now: datetime) -> list[Task]:
    """Store all tasks of a call, in any order, or none; the rows of all of them.

    A task that is stored already with the same values is left as it is. Raises
    UnknownDependency, CyclicDependency, or DifferentTask if an id has other values.
    """
    batch = unique_tasks(tasks)
    ensure_pools()
    with transaction.atomic():
        # submissions run one after another, so that each id is stored once
        Pool.objects.select_for_update(no_key=True).get(name=DEFAULT_POOL)
        return _stored(batch, now)


def _stored(batch: Mapping[str, AITask], now: datetime) -> list[Task]:
    wanted = {*batch, *(need for task in batch.values() for need in task.dependencies)}
    known = reports.primary_keys(wanted)
    submission.check_dependencies(batch, known)
    new = {name: task for name, task in batch.items() if name not in known}
    _check_repeated(batch, known)
    order = submission.in_order(new)
    needed = {need for task in new.values() for need in task.dependencies}
    locked = _locked({known[name] for name in needed if name in known})
    made = _created(new, order, locked, now)
    if locked:
        _inherit_urgency(new, made, locked)
    old = reports.all_tasks().in_bulk(
        [name for name in batch if name in known], field_name="task_id"
    )
    return [made.get(name) or old[name] for name in batch]


def _check_repeated(batch: Mapping[str, AITask], known: Collection[str]) -> None:
    """Tasks that are stored already must have the same values; a cycle is reported first."""
    again = [name for name in batch if name in known]
    stored = reports.as_submitted(again)
    if any(set(stored[name].dependencies) != set(batch[name].dependencies) for name in again):
        needed = {need for task in batch.values() for need in task.dependencies}
        submission.check_acyclic(batch, reports.all_dependencies(needed))
    for name in again:
        check_same(stored[name], batch[name])


def _locked(primary_keys: set[int]) -> dict[str, Task]:
    """Stored tasks that new ones need, and those that may inherit urgency, locked."""
    if not primary_keys:
        return {}
    rows = Task.objects.filter(pk__in=reports.inheriting_tasks(primary_keys)).order_by("pk")
    return {row.task_id: row for row in rows.select_for_update()}


def _created(
    new: Mapping[str, AITask], order: Sequence[str], locked: Mapping[str, Task], now: datetime
) -> dict[str, Task]:
    """The new tasks, stored in the order of `order`: queued, pending or failed."""
    pools = dict(Pool.objects.values_list("name", "pk"))
    learned = reports.learned_durations({task.task_type for task in new.values()})
    estimates = {
        name: learned[task.task_type].estimate(task.estimated_duration)
        for name, task in new.items()
    }
    chains = submission.chains(new, estimates)
    computed = {
        name: (estimates[name], pools.get(task.task_type, pools[DEFAULT_POOL]), chains[name])
        for name, task in new.items()
    }
    states = {name: str(row.status) for name, row in locked.items()}
    rows = submit_sql.new_rows(new, order, states, computed, now.timestamp())
    insert_tasks, insert_links = WRITERS[connection.vendor]
    numbers = dict(zip(rows, insert_tasks(list(rows.values()), now), strict=True))
    known = {**{name: row.pk for name, row in locked.items()}, **numbers}
    insert_links([(known[name], known[need]) for name in rows for need in new[name].dependencies])
    return _as_stored(rows, numbers, now)


def insert_tasks_as_json(rows: Sequence[NewTaskRow], now: datetime) -> list[int]:
    """Store new tasks with one statement of PostgreSQL; their primary keys, in order."""
    with connection.cursor() as cursor:
        cursor.execute(submit_sql.TASKS_BY_JSON, [now, json.dumps(rows)])
        return [number for (number,) in cursor.fetchall()]


def insert_tasks_by_row(rows: Sequence[NewTaskRow], now: datetime) -> list[int]:
    """The same with one statement per row, where no other connection writes meanwhile."""
    last = Task.objects.aggregate(last=Max("pk"))["last"] or 0
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.executemany(submit_sql.TASKS_BY_ROW, submit_sql.with_times(rows, moment))
    return list(Task.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True))


def insert_links_as_json(pairs: Sequence[tuple[int, int]]) -> None:
    """Store dependencies, as (task, needed task), with one statement of PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute(submit_sql.LINKS_BY_JSON, [json.dumps(pairs)])


def insert_links_by_row(pairs: Sequence[tuple[int, int]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(submit_sql.LINKS_BY_ROW, pairs)


WRITERS: dict[str, Writer] = {
    "postgresql": (insert_tasks_as_json, insert_links_as_json),
    "sqlite": (insert_tasks_by_row, insert_links_by_row),
}


def _as_stored(
    rows: Mapping[str, NewTaskRow], numbers: Mapping[str, int], now: datetime
) -> dict[str, Task]:
    """Model instances equal to the stored rows, without reading them again."""
    columns = [field.attname for field in Task._meta.concrete_fields]  # noqa: SLF001 - a documented name of Django's
    blank = Task(created_at=now)
    defaults = [getattr(blank, column) for column in columns]
    places = [columns.index(column) for column in NewTaskRow._fields]
    ready, ended = columns.index("ready_at"), columns.index("completed_at")
    made = {}
    for name, row in rows.items():
        values = defaults.copy()
        for place, value in zip(places, row, strict=True):
            values[place] = value
        values[0] = numbers[name]
        values[ready] = now if row.status == Status.QUEUED else None
        values[ended] = now if row.status == Status.FAILED else None
        made[name] = Task.from_db(connection.alias, columns, values)
    return made


def _inherit_urgency(
    new: Mapping[str, AITask], made: Mapping[str, Task], locked: Mapping[str, Task]
) -> None:
    """Raise the urgency of stored tasks on which more urgent new tasks depend."""
    rows = {row.pk: row for row in locked.values() if row.status in reports.WAITING}
    needs: dict[int, list[int]] = {}
    links = Dependency.objects.filter(task__in=rows.keys())
    for task, need in links.values_list("task_id", "needs_id"):
        needs.setdefault(task, []).append(need)
    offers = [
        (locked[need].pk, Chain(made[name].chain_weight, made[name].chain_seconds))
        for name, task in new.items()
        if made[name].status != Status.FAILED
        for need in task.dependencies
        if need in locked
    ]
    states = {
        pk: TaskState(
            weight(row.priority), row.estimate_used, Chain(row.chain_weight, row.chain_seconds)
        )
        for pk, row in rows.items()
    }
    better = submission.inherited_chains(offers, states, needs)
    for pk, chain in better.items():
        row = rows[pk]
        row.chain_weight, row.chain_seconds = chain.weight, chain.seconds
        if row.ready_at is not None:
            row.queue_key = queue_key(row.ready_at.timestamp(), chain.weight / chain.seconds)
    Task.objects.bulk_update(
        [rows[pk] for pk in better],
        ["chain_weight", "chain_seconds", "queue_key"],
        batch_size=BATCH_ROWS,
    )
