"""Writing to the stored queue: submit, assign under a lease, end, plan."""

from operations.scheduling.backlog import NotRunning, UnknownTask
from operations.scheduling.services.assign import MAX_ASSIGNED, assign
from operations.scheduling.services.complete import complete
from operations.scheduling.services.leases import extend_leases
from operations.scheduling.services.operator import cancel, detach_waiters, requeue, retry
from operations.scheduling.services.workers import UnknownPool, WorkerRefused
