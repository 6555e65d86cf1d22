"""Store the new tasks of one submission: all of them, or none.

Stored tasks on which new ones depend are locked in the order of their ids, and a task has a
higher id than its dependencies, so no two calls deadlock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from aethercrown.db import bulk
from operations.scheduling import submission
from operations.scheduling.models import Dependency, Pool, Task
from operations.scheduling.planner.urgency import queue_key, weight
from operations.scheduling.reports import tasks as reports
from operations.scheduling.scheduler import DEFAULT_POOL, check_same, unique_tasks
from operations.scheduling.services.task_state import BATCH_ROWS, Status
from operations.scheduling.services.workers import ensure_pools
from operations.scheduling.submission import Chain, NewTaskRow, TaskState
from operations.scheduling.task_spec import AITask


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
    again = [name for name in batch if name in known]
    old = Task.objects.select_related("worker").in_bulk(again, field_name="task_id")
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
    rows = submission.new_rows(new, order, states, computed, now.timestamp())
    stamp = bulk.stamp(now)
    bulk.insert(Task, submission.COLUMNS, (submission.values(row, stamp) for row in rows.values()))
    numbers = reports.primary_keys(rows)
    known = {**{name: row.pk for name, row in locked.items()}, **numbers}
    links = ((known[name], known[need]) for name in rows for need in new[name].dependencies)
    bulk.insert(Dependency, ["task_id", "needs_id"], links)
    return _as_stored(rows, numbers, now)


def _as_stored(
    rows: Mapping[str, NewTaskRow], numbers: Mapping[str, int], now: datetime
) -> dict[str, Task]:
    """Model instances equal to the stored rows, without reading them again."""
    blank = Task()
    fields = [field.attname for field in Task._meta.concrete_fields]  # noqa: SLF001 - a documented name of Django's
    defaults = {name: getattr(blank, name) for name in fields}
    made = {}
    for name, row in rows.items():
        stored = zip(submission.COLUMNS, submission.values(row, now), strict=True)
        values = {**defaults, **dict(stored), "id": numbers[name]}
        made[name] = Task.from_db(connection.alias, fields, list(values.values()))
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
