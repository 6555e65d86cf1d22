"""Workers are taken in, heard of, and made where nobody has registered."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from operations.scheduling.models import Pool, Worker
from operations.scheduling.scheduler import DEFAULT_POOL, workers

NOTED_EACH = timedelta(seconds=5)  # a busy worker's sign of life is written no more often


class NotItsTurn(ValueError):
    """The worker may not take tasks here: it is switched off, or belongs to another pool."""


class UnknownPool(LookupError):
    """No pool has this name."""


def ready_pools() -> dict[str, Pool]:
    """The pools by name; the first call makes the default one with NUM_WORKERS workers."""
    pools = {pool.name: pool for pool in Pool.objects.all()}
    if DEFAULT_POOL not in pools:
        pools[DEFAULT_POOL], _ = Pool.objects.get_or_create(name=DEFAULT_POOL)
    if not Worker.objects.exists():
        names = workers("worker", settings.NUM_WORKERS)
        pool = pools[DEFAULT_POOL]
        Worker.objects.bulk_create(
            (Worker(name=name, pool=pool) for name in names), ignore_conflicts=True
        )
    return pools


def seen(name: str, now: datetime, pool: str = "", among: QuerySet[Worker] | None = None) -> Worker:
    """The worker of that name, who has just been heard of; an unknown one is taken in.

    `among` are all workers, with whatever else the caller wants to read in the same question.
    Raises UnknownPool, and NotItsTurn where it is switched off or belongs to another pool.
    """
    rows = (Worker.objects.all() if among is None else among).select_related("pool")
    worker = rows.filter(name=name).first() or _taken_in(name, pool)
    if pool and worker.pool.name != pool:
        raise NotItsTurn(f"worker {name} belongs to pool {worker.pool}, not {pool}")
    if not worker.is_active:
        raise NotItsTurn(f"worker {name} is switched off")
    if worker.last_seen_at is None or now - worker.last_seen_at > NOTED_EACH:
        Worker.objects.filter(pk=worker.pk).update(last_seen_at=now)
    return worker


def _taken_in(name: str, pool: str) -> Worker:
    pools = ready_pools()
    if pool and pool not in pools:
        raise UnknownPool(f"there is no pool {pool}; staff make pools")
    worker, _ = Worker.objects.get_or_create(
        name=name, defaults={"pool": pools[pool or DEFAULT_POOL]}
    )
    return worker
