"""Recover jobs that dead workers left; end what a restore brought back; delete old ones."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from aethercrown.backup import automation_pause
from aethercrown.db.bulk import forget
from aethercrown.db.leases import lease_end, lease_expired, lease_too_long
from operations.automations import worker_id
from operations.jobs import states
from operations.jobs.models import Job
from operations.jobs.registry import job_kinds
from operations.jobs.services.execute import LEASE_LENGTH

MAX_ATTEMPTS = 3
RETENTION = timedelta(days=30)
WORKER_LOST = "Its worker was lost in each of 3 attempts."
RESTORED = "The platform was restored from a back-up; start it again if it is still wanted."


def recover_jobs(now: datetime) -> bool:
    """Queue jobs of dead workers, or end them after the last attempt; whether one could be run now.

    A worker is dead when its lease has ended or its process is gone from this machine. A lease
    that a clock that was ahead gave is shortened.
    """
    running = Job.objects.filter(state=states.RUNNING)
    running.filter(lease_too_long(LEASE_LENGTH)).update(lease_until=lease_end(LEASE_LENGTH))
    expired = lease_expired()
    found = running.values_list("worker", ExpressionWrapper(expired, BooleanField()))
    gone = {worker for worker, _ in found if worker_id.is_gone(worker)}
    if gone or any(is_expired for _, is_expired in found):
        _requeue(running.filter(expired | Q(worker__in=gone)), now)
    if automation_pause.is_paused() or running.count() >= settings.JOBS_AT_ONCE:
        return False
    return Job.objects.filter(state=states.QUEUED, kind__in=job_kinds.names()).exists()


@transaction.atomic
def _requeue(abandoned: QuerySet[Job], now: datetime) -> None:
    """Queue them again, or end them; what they were about is told that it is not done."""
    ended = {"slot": None, "caller_slot": None, "lease_until": None, "ended_at": now}
    is_over = Q(cancel_requested_at__isnull=False) | Q(attempt__gte=MAX_ATTEMPTS)
    over = list(abandoned.filter(is_over).select_for_update())
    abandoned.exclude(cancel_requested_at=None).update(state=states.CANCELLED, **ended)
    abandoned.filter(attempt__gte=MAX_ATTEMPTS).update(
        state=states.FAILED, error=WORKER_LOST, **ended
    )
    abandoned.update(state=states.QUEUED, slot=None, lease_until=None)
    for job in over:
        if job.kind in job_kinds:
            job_kinds.get(job.kind).on_cancelled(job.input)


def cancel_restored(now: datetime) -> int:
    """Cancel the open jobs of a restored database, whose work may have been done; how many."""
    return Job.objects.filter(state__in=states.OPEN).update(
        state=states.CANCELLED,
        error=RESTORED,
        slot=None,
        caller_slot=None,
        lease_until=None,
        ended_at=now,
    )


def delete_old_jobs(now: datetime) -> int:
    """Delete jobs that ended more than 30 days ago; returns how many."""
    return forget(Job.objects.exclude(state__in=states.OPEN).filter(ended_at__lt=now - RETENTION))
