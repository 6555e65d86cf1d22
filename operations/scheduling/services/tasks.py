"""The stored queue's writers: tasks are handed out under a lease, and end once.

Every step locks its rows in the order of their ids, and what waits for a task has a higher id
than the task: so no two calls wait for each other. Handing out skips rows that another call has
locked, so nobody waits there either and no task is given twice.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, QuerySet

from operations.scheduling import dispatch_sql, reports
from operations.scheduling.backlog import NotRunning, UnknownTask
from operations.scheduling.models import Dependency, Duration, Task, Worker
from operations.scheduling.planner.urgency import key
from operations.scheduling.reports import workers as people
from operations.scheduling.services.workers import NotItsTurn, UnknownPool, ready_pools, seen

__all__ = ["NotItsTurn", "NotRunning", "UnknownPool", "UnknownTask", "WrongWorker"]

Status = Task.Status
ATTEMPTS = 3  # leases that may run out before a task fails
MOST_GIVEN = 1_000  # tasks that one call hands out
BATCH = 1_000


class WrongWorker(NotRunning):
    """The task is leased to another worker."""


# --- Going out ----------------------------------------------------------------------------------
def assign(
    now: datetime,
    *,
    worker: str = "",
    pool: str = "",
    count: int | None = None,
    lease: float | None = None,
) -> list[Task]:
    """Hand out the most urgent ready tasks, at most `count`, each under a lease.

    A named worker gets one unless it asks for more, whatever it holds already. Without a name
    every free worker gets one. `lease` is in seconds; usually twice what such a task takes.
    Each task carries the ids of what it needed, as JSON, in `needed_names`.
    """
    if worker:
        late = Exists(_late(now).order_by())
        hand = seen(worker, now, pool, Worker.objects.annotate(finds_late=late))
        if getattr(hand, "finds_late", True):
            reclaim(now)
        return _given([hand] * min(count or 1, MOST_GIVEN), now, lease)
    reclaim(now)
    with transaction.atomic():
        return _given(_free(now, _in_pool(pool))[: count or MOST_GIVEN], now, lease)


@transaction.atomic
def push(now: datetime) -> list[Task]:
    """Hand a task to each free worker that gets its work unasked."""
    return _given(_free(now, Worker.objects.filter(is_pushed=True)), now, None)


def _in_pool(pool: str) -> QuerySet[Worker]:
    pools = ready_pools()
    if not pool:
        return Worker.objects.all()
    if pool not in pools:
        raise UnknownPool(f"there is no pool {pool}; staff make pools")
    return Worker.objects.filter(pool=pools[pool])


def _free(now: datetime, among: QuerySet[Worker]) -> list[Worker]:
    """Workers that hold nothing and are present, locked until the transaction ends."""
    rows = list(among.filter(people.present(now)).order_by("pk").select_for_update())
    held = Task.objects.filter(status=Status.RUNNING, worker__in=rows)  # seen after the lock
    busy = set(held.values_list("worker_id", flat=True))
    return [row for row in rows if row.pk not in busy]


def _given(hands: Sequence[Worker], now: datetime, lease: float | None) -> list[Task]:
    """One task for each hand, of its own pool; those that find none get none.

    Each pool takes one statement, which commits by itself where no transaction is open.
    """
    given: list[Task] = []
    columns = [field.attname for field in Task._meta.concrete_fields]  # noqa: SLF001 - a documented name of Django's
    text = dispatch_sql.statement(connection.vendor, columns)
    staff = {hand.pk: hand for hand in hands}
    for pool in dict.fromkeys(hand.pool_id for hand in hands):
        mine = [hand.pk for hand in hands if hand.pool_id == pool]
        bound = {
            "pool": pool,
            "count": len(mine),
            "hands": json.dumps(mine),
            "lease": lease,
            "now": connection.ops.adapt_datetimefield_value(now),
        }
        rows = sorted(Task.objects.raw(text, bound), key=lambda row: (row.key, row.pk))
        for row in rows:
            row.worker = staff[row.worker_id or 0]
        given += rows
    return given


@transaction.atomic
def beat(name: str, now: datetime) -> list[Task]:
    """A worker says that it lives: the leases of its tasks begin anew. Returns those tasks."""
    worker = seen(name, now)
    held = Task.objects.select_for_update().order_by("pk")
    tasks = list(held.filter(worker=worker, status=Status.RUNNING))
    for task in tasks:
        task.worker = worker
        task.lease_until = now + timedelta(seconds=task.lease_seconds or 0)
    Task.objects.bulk_update(tasks, ["lease_until"])
    return tasks


def reclaim(now: datetime) -> tuple[int, int]:
    """Take back tasks whose lease ran out: (queued again in their old place, failed for good)."""
    late = _late(now)
    return _reclaimed(late, now) if late.exists() else (0, 0)


def _late(now: datetime) -> QuerySet[Task]:
    return Task.objects.filter(status=Status.RUNNING, lease_until__lt=now).order_by("pk")


@transaction.atomic
def _reclaimed(late: QuerySet[Task], now: datetime) -> tuple[int, int]:
    rows = list(late.select_related("worker").select_for_update(of=("self",), skip_locked=True))
    for row in rows:
        row.lapsed_worker = row.worker.name if row.worker else ""
        if row.attempt >= ATTEMPTS:
            _end(row, Status.FAILED, f"lease expired {ATTEMPTS} times", now)
        else:
            row.status, row.worker, row.started_at = Status.QUEUED, None, None
        row.lease_until = None
    fields = ["status", "worker", "started_at", "lease_until", "lapsed_worker"]
    Task.objects.bulk_update(rows, [*fields, "completed_at", "error"], batch_size=BATCH)
    failed = [row for row in rows if row.status == Status.FAILED]
    _lose_waiters(failed, now)
    return len(rows) - len(failed), len(failed)


# --- Ending -------------------------------------------------------------------------------------
@transaction.atomic
def complete(
    task_id: str, *, now: datetime, success: bool = True, error: str = "", worker: str = ""
) -> Task:
    """End a running task; without success all that depends on it fails too.

    Saying the same again changes nothing. Raises UnknownTask; NotRunning; WrongWorker where it
    is leased to another. Who lost its lease may still end the task while nobody else has it.
    """
    row = _locked(task_id)
    wanted = Status.COMPLETED if success else Status.FAILED
    holder = row.worker.name if row.worker else row.lapsed_worker
    if worker and holder and worker != holder:
        raise WrongWorker(f"task {task_id} is {row.status} with worker {holder}, not {worker}")
    if row.status == wanted and row.started_at is not None:
        return row
    late = row.status == Status.QUEUED and bool(worker) and worker == row.lapsed_worker
    if row.status != Status.RUNNING and not late:
        raise NotRunning(f"task {task_id} is {row.status}, not running")
    if late:
        row.worker, row.started_at = Worker.objects.filter(name=worker).first(), now
    else:
        row.seconds = max(0.0, (now - (row.started_at or now)).total_seconds())
    _end(row, wanted, "" if success else error or "failed", now)
    row.save()
    if row.worker_id:
        Worker.objects.filter(pk=row.worker_id).exclude(last_seen_at=None).update(last_seen_at=now)
    if not success:
        _lose_waiters([row], now)
        return row
    _free_waiters(row, now)
    if row.seconds is not None:
        _learn(row.task_type, row.seconds)
    return row


def cancel(task_id: str, *, actor: str, now: datetime) -> Task:
    """A person takes a task out; what depends on it fails. Raises NotRunning once it ended."""
    with transaction.atomic():
        row = _locked(task_id)
        if row.status in reports.ENDED:
            raise NotRunning(f"task {task_id} is {row.status} already")
        _end(row, Status.FAILED, f"cancelled by {actor}", now)
        row.started_at = None  # nobody finished it: a worker's late word is refused
        row.save()
        _lose_waiters([row], now)
        return row


def requeue(task_id: str, *, now: datetime) -> Task:
    """A person puts a running or failed task back in the queue, with all its attempts.

    Raises NotRunning where it is neither, or something that it needs has failed.
    """
    with transaction.atomic():
        row = _locked(task_id)
        if row.status not in {Status.RUNNING, Status.FAILED}:
            raise NotRunning(f"task {task_id} is {row.status}, neither running nor failed")
        needs = list(Task.objects.filter(waiters__task=row).order_by("pk").select_for_update())
        lost = next((need for need in needs if need.status == Status.FAILED), None)
        if lost is not None:
            raise NotRunning(
                f"task {task_id} needs {lost.task_id}, which failed: requeue that first"
            )
        row.waits_for = sum(need.status != Status.COMPLETED for need in needs)
        row.status, row.worker, row.started_at, row.completed_at = Status.PENDING, None, None, None
        row.lease_until, row.seconds, row.attempt = None, None, 0
        row.error = row.lapsed_worker = ""
        if not row.waits_for:
            _make_ready(row, row.ready_at or now)
        row.save()
        return row


@transaction.atomic
def release(needs: Sequence[int], now: datetime) -> list[tuple[str, str]]:
    """Those tasks are to go: who waited for them waits no more. Pairs of ids, waiter and needed.

    Only waiters that stay are named, and only those that have not begun.
    """
    links = Dependency.objects.filter(needs__in=needs).exclude(task__in=needs)
    open_ = links.filter(task__status=Status.PENDING).order_by("task_id", "needs_id")
    pairs = list(open_.values_list("task_id", "task__task_id", "needs__task_id"))
    rows = Task.objects.filter(pk__in=[each[0] for each in pairs]).order_by("pk")
    for row in rows.select_for_update():
        unmet = Task.objects.filter(waiters__task=row).exclude(pk__in=needs)
        row.waits_for = unmet.exclude(status=Status.COMPLETED).count()
        if not row.waits_for:
            _make_ready(row, now)
        row.save()
    links.delete()
    return [(waiter, needed) for _, waiter, needed in pairs]


def _locked(task_id: str) -> Task:
    rows = Task.objects.select_related("worker").select_for_update(of=("self",))
    row = rows.filter(task_id=task_id).first()
    if row is None:
        raise UnknownTask(f"there is no task {task_id}")
    return row


def _end(row: Task, status: str, error: str, now: datetime) -> None:
    row.status, row.error, row.completed_at, row.lease_until = status, error, now, None


def _make_ready(row: Task, now: datetime) -> None:
    row.status, row.ready_at = Status.QUEUED, now
    row.key = key(now.timestamp(), row.gain / row.cost)


def _free_waiters(row: Task, now: datetime) -> None:
    """What needs nothing any more is ready."""
    below = Task.objects.filter(dependencies__needs=row, status=Status.PENDING)
    waiting = list(below.order_by("pk").select_for_update(of=("self",)))
    for each in waiting:
        each.waits_for -= 1
        if not each.waits_for:
            _make_ready(each, now)
    fields = ["waits_for", "status", "ready_at", "key"]
    Task.objects.bulk_update(waiting, fields, batch_size=BATCH)


def _lose_waiters(lost: Sequence[Task], now: datetime) -> None:
    """All that waits for what failed fails with it, however far off."""
    while lost:
        links = Dependency.objects.filter(needs__in=lost, task__status=Status.PENDING)
        because = dict(links.order_by("-needs_id").values_list("task_id", "needs__task_id"))
        rows = Task.objects.filter(pk__in=because, status=Status.PENDING).order_by("pk")
        lost = list(rows.select_for_update())
        for row in lost:
            _end(row, Status.FAILED, f"dependency {because[row.pk]} failed", now)
        Task.objects.bulk_update(lost, ["status", "error", "completed_at"], batch_size=BATCH)


def _learn(task_type: str, seconds: float) -> None:
    Duration.objects.get_or_create(task_type=task_type)
    row = Duration.objects.select_for_update().get(task_type=task_type)
    after = row.learned.after(seconds)
    row.runs, row.mean, row.variance = after.runs, after.mean, after.variance
    row.save()
