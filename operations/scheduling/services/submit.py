"""Store the new tasks of one submission: all of them, or none.

They are checked and made before the lock is taken, and many are written into a temporary table
before, so that SQLite's other writers wait only for the rows to be copied; where something has
changed until then it is done again.

Stored tasks on which new ones depend are locked in the order of their ids, and a task has a
higher id than its dependencies, so no two calls deadlock.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import IntegrityError, connection, transaction

from aethercrown.db import bulk
from operations.scheduling import submission
from operations.scheduling.models import Dependency, Pool, Task
from operations.scheduling.planner.urgency import queue_key, weight
from operations.scheduling.reports import tasks as reports
from operations.scheduling.scheduler import DEFAULT_POOL, check_same, unique_tasks
from operations.scheduling.services.task_state import Status
from operations.scheduling.services.workers import ensure_pools
from operations.scheduling.submission import Chain, NewTaskRow, TaskState
from operations.scheduling.task_spec import AITask

MAX_TRIES = 3  # with what was read before the lock; then everything is done under it
STAGED_FROM = 500  # tasks that are written into a temporary table first
LINK = ["task_id", "needs_id"]
Insert = Callable[[], Mapping[str, int]]  # the rows; gives their ids


class Outdated(Exception):
    """What was read before the lock has changed."""


@dataclass(frozen=True, slots=True)
class PreparedTasks:
    """The new tasks of a call, and what their rows were made from."""

    tasks: Mapping[str, AITask]
    needed: Mapping[str, tuple[int, str]]  # (id, status) of the stored tasks that they need
    rows: Mapping[str, NewTaskRow]  # in the order in which they are stored
    values: Sequence[tuple[Any, ...]]  # of each row, as the driver takes them
    links: Sequence[tuple[int, int]]  # ids; of new tasks their place, from -1 downwards


class NeededTask(NamedTuple):
    """A stored task that new ones need, or that may inherit urgency."""

    pk: int
    task_id: str
    status: str
    priority: int
    estimate_used: float
    chain_weight: float
    chain_seconds: float
    queue_key: float | None
    ready_at: datetime | None

    @property
    def state(self) -> TaskState:
        chain = Chain(self.chain_weight, self.chain_seconds)
        return TaskState(weight(self.priority), self.estimate_used, chain)


def submit(tasks: Iterable[AITask], now: datetime) -> list[Task]:
    """Store all tasks of a call, in any order, or none; the rows of all of them.

    A task that is stored already with the same values is left as it is. Raises
    UnknownDependency, CyclicDependency, or DifferentTask if an id has other values.
    """
    batch = unique_tasks(tasks)
    ensure_pools()
    for _ in range(MAX_TRIES):
        prepared = _prepared(batch, now)
        try:
            with _insertion(prepared) as insert, transaction.atomic():
                _lock_submissions()
                keys = _stored(prepared, insert)
            return _rows(batch, prepared, keys, now)
        except (IntegrityError, Outdated):
            continue
    with transaction.atomic():
        _lock_submissions()
        prepared = _prepared(batch, now)
        keys = _stored(prepared, partial(_insert, prepared))
    return _rows(batch, prepared, keys, now)


def _lock_submissions() -> None:
    """Submissions are written one after another, so that each id is stored once."""
    Pool.objects.select_for_update(no_key=True).get(name=DEFAULT_POOL)


def _prepared(batch: Mapping[str, AITask], now: datetime) -> PreparedTasks:
    """Check the tasks, and make the rows of those that are not stored: queued, pending, failed."""
    wanted = {*batch, *(need for task in batch.values() for need in task.dependencies)}
    known = reports.keys_and_statuses(wanted)
    submission.check_dependencies(batch, known)
    _check_repeated(batch, known)
    new = {name: task for name, task in batch.items() if name not in known}
    order = submission.in_order(new)
    needed = {need for task in new.values() for need in task.dependencies}
    stored = {name: known[name] for name in needed if name in known}
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
    states = {name: status for name, (_, status) in stored.items()}
    rows = submission.new_rows(new, order, states, computed, now.timestamp())
    stamp = bulk.stamp(now)
    values = [submission.values(row, stamp) for row in rows.values()]
    known_ids = {name: key for name, (key, _) in stored.items()}
    known_ids |= {name: -place for place, name in enumerate(rows, 1)}
    links = [(known_ids[name], known_ids[need]) for name in rows for need in new[name].dependencies]
    return PreparedTasks(new, stored, rows, values, links)


def _check_repeated(batch: Mapping[str, AITask], known: Collection[str]) -> None:
    """Tasks that are stored already must have the same values; a cycle is reported first."""
    again = [name for name in batch if name in known]
    stored = reports.as_submitted(again)
    kept = [name for name in again if name in stored]  # one may have been deleted meanwhile
    if any(set(stored[name].dependencies) != set(batch[name].dependencies) for name in kept):
        needed = {need for task in batch.values() for need in task.dependencies}
        submission.check_acyclic(batch, reports.all_dependencies(needed))
    for name in kept:
        check_same(stored[name], batch[name])


def _stored(prepared: PreparedTasks, insert: Insert) -> Mapping[str, int]:
    """Insert the rows; their ids. Raises Outdated if a task that they need has changed."""
    locked = _locked([key for key, _ in prepared.needed.values()])
    found = {name: (row.pk, row.status) for name, row in locked.items()}
    if any(found.get(name) != before for name, before in prepared.needed.items()):
        raise Outdated
    keys = insert()
    if locked:
        _inherit_urgency(prepared, locked)
    return keys


@contextmanager
def _insertion(prepared: PreparedTasks) -> Iterator[Insert]:
    """What inserts the rows, once the lock is held."""
    if connection.vendor != "sqlite" or len(prepared.rows) < STAGED_FROM:
        yield partial(_insert, prepared)
        return
    with (
        bulk.staged(Task, submission.COLUMNS, prepared.values) as tasks,
        bulk.staged(Dependency, LINK, prepared.links) as links,
    ):
        yield partial(_insert_staged, prepared, tasks, links)


def _insert(prepared: PreparedTasks) -> Mapping[str, int]:
    bulk.insert(Task, submission.COLUMNS, prepared.values)
    keys = reports.keys_of_inserted(prepared.rows)
    ids = [0, *(keys[name] for name in prepared.rows)]
    links = ([ids[-each] if each < 0 else each for each in link] for link in prepared.links)
    bulk.insert(Dependency, LINK, links)
    return keys


def _insert_staged(prepared: PreparedTasks, tasks: str, links: str) -> Mapping[str, int]:
    """The same from temporary tables; the new ids follow each other, as SQLite has one writer."""
    columns = ", ".join(submission.COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {bulk.table(Task)} ({columns}) SELECT * FROM {tasks} ORDER BY rowid"  # noqa: S608 - our own names
        )
        keys = reports.keys_of_inserted(prepared.rows)
        before = min(keys.values()) - 1
        cursor.execute(
            f"INSERT INTO {bulk.table(Dependency)} ({', '.join(LINK)}) "  # noqa: S608 - the same
            f"SELECT %s - task_id, CASE WHEN needs_id < 0 THEN %s - needs_id ELSE needs_id END "
            f"FROM {links} ORDER BY rowid",
            [before, before],
        )
    return keys


def _locked(keys: Collection[int]) -> dict[str, NeededTask]:
    """Stored tasks that new ones need, and those that may inherit urgency, locked."""
    if not keys:
        return {}
    rows = Task.objects.filter(pk__in=reports.inheriting_tasks(keys)).order_by("pk")
    found = rows.select_for_update().values_list(*NeededTask._fields)
    return {row.task_id: row for row in map(NeededTask._make, found)}


def _rows(
    batch: Mapping[str, AITask], prepared: PreparedTasks, keys: Mapping[str, int], now: datetime
) -> list[Task]:
    """All tasks of the call. Raises Outdated if one that was stored before has been deleted."""
    made = _as_stored(prepared.rows, keys, now)
    again = [name for name in batch if name not in made]
    old = Task.objects.select_related("worker").in_bulk(again, field_name="task_id")
    if len(old) < len(again):
        raise Outdated
    return [made.get(name) or old[name] for name in batch]


def _as_stored(
    rows: Mapping[str, NewTaskRow], keys: Mapping[str, int], now: datetime
) -> dict[str, Task]:
    """Model instances equal to the stored rows, without reading them again."""
    blank = Task()
    fields = [field.attname for field in Task._meta.concrete_fields]  # noqa: SLF001 - a documented name of Django's
    defaults = {name: getattr(blank, name) for name in fields}
    made = {}
    for name, row in rows.items():
        stored = zip(submission.COLUMNS, submission.values(row, now), strict=True)
        values = {**defaults, **dict(stored), "id": keys[name]}
        made[name] = Task.from_db(connection.alias, fields, list(values.values()))
    return made


def _inherit_urgency(prepared: PreparedTasks, locked: Mapping[str, NeededTask]) -> None:
    """Raise the urgency of stored tasks on which more urgent new tasks depend."""
    rows = {row.pk: row for row in locked.values() if row.status in reports.WAITING}
    needs: dict[int, list[int]] = {}
    links = Dependency.objects.filter(task__in=rows.keys())
    for task, need in links.values_list("task_id", "needs_id"):
        needs.setdefault(task, []).append(need)
    offers = [
        (locked[need].pk, Chain(row.chain_weight, row.chain_seconds))
        for name, row in prepared.rows.items()
        if row.status != Status.FAILED
        for need in prepared.tasks[name].dependencies
        if need in locked
    ]
    states = {pk: row.state for pk, row in rows.items()}
    better = submission.inherited_chains(offers, states, needs)
    keys = {
        pk: queue_key(row.ready_at.timestamp(), better[pk].weight / better[pk].seconds)
        for pk, row in rows.items()
        if pk in better and row.ready_at is not None
    }
    changed = [
        (chain.weight, chain.seconds, keys.get(pk, rows[pk].queue_key), pk)
        for pk, chain in better.items()
    ]
    bulk.update(Task, ["chain_weight", "chain_seconds", "queue_key"], ["id"], changed)
