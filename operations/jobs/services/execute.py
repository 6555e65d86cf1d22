"""Run jobs: claim one under a lease, perform it, record how it ended."""

import logging
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from aethercrown import cancellation
from aethercrown.background import closing_connection
from aethercrown.backup import automation_pause
from aethercrown.db.leases import lease_end
from aethercrown.history import attribution
from aethercrown.monitoring import redaction
from aethercrown.text import storable_json, storable_text
from operations.automations import worker_id
from operations.automations.lease import LeaseRenewal
from operations.jobs import reports, states
from operations.jobs.caller import why_refused
from operations.jobs.models import Job
from operations.jobs.registry import JobContext, job_kinds

Clock = Callable[[], datetime]
LEASE_LENGTH, LEASE_RENEWAL_INTERVAL = timedelta(seconds=60), timedelta(seconds=15)
REPORT_SECONDS = 1.0  # between two writes of progress, and between two looks for a cancellation
MAX_CANDIDATES = 20  # jobs that one worker tries to claim in one call
log = logging.getLogger(__name__)


class JobStopped(Exception):
    """The job is to stop: it was cancelled, or this worker has lost its lease."""


class JobCancelled(JobStopped):
    """A person or its caller cancelled the job."""


def run_next(*, clock: Clock = timezone.now) -> Job | None:
    """Run the next job that waits, if a slot is free; the job, or None."""
    job = claim(worker_id.current(), clock())
    if job is None:
        return None
    if why := why_refused(job.caller):
        _refuse(job, why, clock())
        return job
    renew_lease = partial(closing_connection(renew), job.pk, job.attempt)
    with LeaseRenewal(renew_lease, LEASE_RENEWAL_INTERVAL, LEASE_LENGTH) as lease:
        _perform(job, lease, clock)
    job.refresh_from_db()
    return job


@transaction.atomic
def _refuse(job: Job, why: str, now: datetime) -> None:
    """Cancel a job that waited until its caller may not act any more."""
    if end(job, states.CANCELLED, now, error=why, cancelled_by=attribution.AUTOMATIC):
        job_kinds.get(job.kind).on_cancelled(job.input)
    job.refresh_from_db()


def claim(worker: str, now: datetime) -> Job | None:
    """Claim the next job; None if none waits or all slots are taken.

    A caller's first open job goes before another caller's second. While automation is paused
    after a restore nothing is claimed.
    """
    if automation_pause.is_paused():
        return None
    running = Job.objects.filter(state=states.RUNNING)
    taken = set(running.values_list("slot", flat=True))
    free = [slot for slot in range(settings.JOBS_AT_ONCE) if slot not in taken]
    waiting = Job.objects.filter(state=states.QUEUED, kind__in=job_kinds.names())
    next_first = waiting.order_by("caller_slot", "created_at", "pk").values_list("pk", flat=True)
    for job_id in next_first[:MAX_CANDIDATES]:
        for slot in free:
            if _claimed(job_id, slot, worker, now):
                return Job.objects.get(pk=job_id)
    return None


def _claimed(job_id: int, slot: int, worker: str, now: datetime) -> bool:
    """Give the queued job the slot; False if another worker was quicker with either."""
    try:
        with transaction.atomic():
            rows = Job.objects.filter(pk=job_id, state=states.QUEUED).update(
                state=states.RUNNING,
                slot=slot,
                attempt=F("attempt") + 1,
                lease_until=lease_end(LEASE_LENGTH),
                worker=worker,
                started_at=now,
                done=0,
                total=None,
                note="",
            )
    except IntegrityError:
        return False
    return rows == 1


def renew(job_id: int, attempt: int) -> bool:
    """Extend the lease of an attempt; False if another attempt has the job."""
    return attempt_rows(job_id, attempt).update(lease_until=lease_end(LEASE_LENGTH)) == 1


def _perform(job: Job, lease: LeaseRenewal, clock: Clock) -> None:
    kind = job_kinds.get(job.kind)
    progress = ProgressWriter(job, lease.is_held)
    actor = reports.actor_behind(job.caller)
    context = JobContext(job.pk, job.input, actor, clock(), progress.report, progress.checkpoint)
    try:
        with (
            attribution.acting(actor),
            cancellation.checking(progress.checkpoint),
            cancellation.deadline(kind.max_seconds),
        ):
            result = storable_json(kind.perform(context))
    except JobCancelled:
        end(job, states.CANCELLED, clock())
    except JobStopped:
        log.warning("Job %s stopped: attempt %s has lost its lease", job.pk, job.attempt)
    except Exception as error:
        log.exception("Job %s, %s, failed in attempt %s", job.pk, job.kind, job.attempt)
        end(job, states.FAILED, clock(), error=describe_error(error))
    else:
        end(job, states.DONE, clock(), result=result)


def describe_error(error: Exception) -> str:
    """The error in a line, without secrets; above it where it was raised."""
    trace = "".join(traceback.format_exception(error, limit=-4))
    return storable_text(redaction.text(trace))


@transaction.atomic
def end(job: Job, state: str, now: datetime, **columns: Any) -> bool:
    """Record the end of an attempt; False, and nothing is written, if another has the job."""
    written = attempt_rows(job.pk, job.attempt).update(
        state=state, slot=None, caller_slot=None, lease_until=None, ended_at=now, **columns
    )
    if not written:
        log.warning("Job %s was taken over; attempt %s is void", job.pk, job.attempt)
    return written == 1


def attempt_rows(job_id: int, attempt: int) -> QuerySet[Job]:
    """The job, if this attempt still has it."""
    return Job.objects.filter(pk=job_id, attempt=attempt, state=states.RUNNING)


class ProgressWriter:
    """Stores the progress of an attempt, and raises where the attempt is to stop."""

    def __init__(
        self, job: Job, is_held: Callable[[], bool], clock: Callable[[], float] = monotonic
    ) -> None:
        self._job = job
        self._is_held = is_held
        self._clock = clock
        self._next_at = 0.0

    def report(self, done: int, total: int | None, note: str) -> None:
        """Store progress, unless that was done less than REPORT_SECONDS ago."""
        self._write({"done": done, "total": total, "note": storable_text(note)[:200]})

    def checkpoint(self) -> None:
        """Raise JobCancelled or JobStopped where the job is to stop."""
        self._write({})

    def _write(self, columns: dict[str, Any]) -> None:
        now = self._clock()
        if now < self._next_at:
            return
        self._next_at = now + REPORT_SECONDS
        rows = attempt_rows(self._job.pk, self._job.attempt)
        if columns:
            rows.update(**columns)
        requested = rows.values_list("cancel_requested_at", flat=True).first()
        if requested is not None:
            raise JobCancelled(f"{self._job} was cancelled.")
        if not self._is_held() or not rows.exists():
            raise JobStopped(f"This worker has lost its lease of {self._job}.")
