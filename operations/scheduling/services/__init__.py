"""Writing to the stored queue: submit, assign under a lease, end, plan."""

from operations.scheduling.backlog import NotRunning, UnknownTask
from operations.scheduling.services.assign import MAX_ASSIGNED, assign, push
from operations.scheduling.services.complete import WrongWorker, complete
from operations.scheduling.services.leases import extend_leases, reclaim_expired
from operations.scheduling.services.operator import cancel, detach_waiters, requeue
from operations.scheduling.services.workers import UnknownPool, WorkerRefused

__all__ = [
    "MAX_ASSIGNED",
    "NotRunning",
    "UnknownPool",
    "UnknownTask",
    "WorkerRefused",
    "WrongWorker",
    "assign",
    "cancel",
    "complete",
    "detach_waiters",
    "extend_leases",
    "push",
    "reclaim_expired",
    "requeue",
]
