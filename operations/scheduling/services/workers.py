"""Register workers, record their contacts, and create the default pool and workers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from operations.scheduling.models import Pool, Worker
from operations.scheduling.scheduler import DEFAULT_POOL, worker_names

CONTACT_WRITTEN_AFTER = timedelta(seconds=5)  # so that a busy worker is not written at each call


class WorkerRefused(ValueError):
    """The worker may not take tasks: it is switched off, or belongs to another pool."""


class UnknownPool(LookupError):
    """No pool has this name."""


def ensure_pools() -> dict[str, Pool]:
    """The pools by name; creates the default pool, and NUM_WORKERS workers if there are none."""
    pools = {pool.name: pool for pool in Pool.objects.all()}
    if DEFAULT_POOL not in pools:
        pools[DEFAULT_POOL], _ = Pool.objects.get_or_create(name=DEFAULT_POOL)
    if not Worker.objects.exists():
        names = worker_names("worker", settings.NUM_WORKERS)
        pool = pools[DEFAULT_POOL]
        Worker.objects.bulk_create(
            (Worker(name=name, pool=pool) for name in names), ignore_conflicts=True
        )
    return pools


def pool_named(pools: Mapping[str, Pool], name: str) -> Pool:
    """The pool of that name. Raises UnknownPool."""
    if name not in pools:
        raise UnknownPool(f"there is no pool {name}; staff make pools")
    return pools[name]


def record_contact(
    name: str, now: datetime, pool: str = "", among: QuerySet[Worker] | None = None
) -> Worker:
    """The worker of that name, which has just called; an unknown one is registered.

    `among` are all workers, with annotations that the caller wants to read in the same query.
    Raises UnknownPool and WorkerRefused.
    """
    rows = (Worker.objects.all() if among is None else among).select_related("pool")
    worker = rows.filter(name=name).first() or _registered(name, pool)
    if pool and worker.pool.name != pool:
        raise WorkerRefused(f"worker {name} belongs to pool {worker.pool}, not {pool}")
    if not worker.is_active:
        raise WorkerRefused(f"worker {name} is switched off")
    last = worker.last_seen_at
    if last is None or not last <= now <= last + CONTACT_WRITTEN_AFTER:
        Worker.objects.filter(pk=worker.pk).update(last_seen_at=now)
    return worker


def _registered(name: str, pool: str) -> Worker:
    found = pool_named(ensure_pools(), pool or DEFAULT_POOL)
    worker, _ = Worker.objects.get_or_create(name=name, defaults={"pool": found})
    return worker
