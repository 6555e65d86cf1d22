"""Assign ready tasks to workers, each under a lease."""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, QuerySet

from operations.scheduling import dispatch_sql
from operations.scheduling.models import Task, Worker
from operations.scheduling.reports.workers import present
from operations.scheduling.services.leases import expired, reclaim_expired
from operations.scheduling.services.workers import ensure_pools, pool_named, record_contact

MAX_ASSIGNED = 1_000  # tasks per call


def assign(
    now: datetime,
    *,
    worker: str = "",
    pool: str = "",
    count: int | None = None,
    lease: float | None = None,
) -> list[Task]:
    """Assign the most urgent ready tasks, at most `count`, each under a lease.

    A named worker gets one task unless it asks for more, whatever it already runs. Without a
    name every free worker gets one. `lease` is in seconds; by default twice the 95th percentile
    of the task type. The ids of a task's dependencies are in `needed_names`, as JSON.
    Raises UnknownPool and WorkerRefused.
    """
    if worker:
        has_expired = Exists(expired(now).order_by())
        rows = Worker.objects.annotate(sees_expired_lease=has_expired)
        found = record_contact(worker, now, pool, rows)
        if getattr(found, "sees_expired_lease", True):
            reclaim_expired(now)
        return _assigned([found] * min(count or 1, MAX_ASSIGNED), now, lease)
    reclaim_expired(now)
    with transaction.atomic():
        return _assigned(_free_workers(now, _in_pool(pool))[: count or MAX_ASSIGNED], now, lease)


@transaction.atomic
def push(now: datetime) -> list[Task]:
    """Assign a task to each free worker that is marked as pushed."""
    return _assigned(_free_workers(now, Worker.objects.filter(is_pushed=True)), now, None)


def _in_pool(pool: str) -> QuerySet[Worker]:
    pools = ensure_pools()
    if not pool:
        return Worker.objects.all()
    return Worker.objects.filter(pool=pool_named(pools, pool))


def _free_workers(now: datetime, among: QuerySet[Worker]) -> list[Worker]:
    """Present workers without a running task, locked until the transaction ends."""
    rows = list(among.filter(present(now)).order_by("pk").select_for_update())
    running = Task.objects.filter(status=Task.Status.RUNNING, worker__in=rows)  # after the lock
    busy = set(running.values_list("worker_id", flat=True))
    return [row for row in rows if row.pk not in busy]


def _assigned(workers: Sequence[Worker], now: datetime, lease: float | None) -> list[Task]:
    """One ready task of its pool for each worker, by one statement and one commit a pool."""
    assigned: list[Task] = []
    columns = [field.attname for field in Task._meta.concrete_fields]  # noqa: SLF001 - a documented name of Django's
    text = dispatch_sql.statement(connection.vendor, columns)
    by_pk = {worker.pk: worker for worker in workers}
    for pool in dict.fromkeys(worker.pool_id for worker in workers):
        worker_ids = [worker.pk for worker in workers if worker.pool_id == pool]
        parameters = {
            "pool": pool,
            "count": len(worker_ids),
            "workers": json.dumps(worker_ids),
            "lease": lease,
            "now": connection.ops.adapt_datetimefield_value(now),
        }
        found = Task.objects.raw(text, parameters)
        rows = sorted(found, key=lambda row: (row.queue_key, row.pk))
        for row in rows:
            row.worker = by_pk[row.worker_id or 0]
        assigned += rows
    return assigned
