"""Start and cancel jobs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from aethercrown.formatting import counted
from aethercrown.text import storable_json, storable_text
from aethercrown.transitions import InvalidTransition, check_transition
from operations.jobs import notify, states
from operations.jobs.models import Job
from operations.jobs.registry import job_kinds

__all__ = ["InvalidTransition", "JobLimitReached", "cancel", "start"]
OPEN_JOBS_OF_A_CALLER = 5


class JobLimitReached(Exception):
    """The caller has as many open jobs as it may: wait for one, or cancel one."""


def start(
    kind: str, given: Mapping[str, Any], *, caller: str, now: datetime, subject: str = ""
) -> Job:
    """Queue a job and tell a worker. Raises JobLimitReached, and UnknownName for the kind."""
    job = Job(
        kind=kind,
        title=job_kinds.get(kind).title,
        subject=subject,
        caller=caller,
        input=storable_json(given),
        created_at=now,
    )
    taken = set(
        Job.objects.filter(caller=caller, state__in=states.OPEN).values_list(
            "caller_slot", flat=True
        )
    )
    for slot in range(OPEN_JOBS_OF_A_CALLER):
        if slot not in taken and _saved(job, slot):
            transaction.on_commit(notify.announce)
            return job
    limit = counted(OPEN_JOBS_OF_A_CALLER, "open job")
    raise JobLimitReached(f"You have {limit}, the limit: wait until one ends, or cancel one.")


def _saved(job: Job, slot: int) -> bool:
    """Store the job in the caller's slot; False if another was stored there just now."""
    job.caller_slot = slot
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        return False
    return True


@transaction.atomic
def cancel(job_id: int, *, actor: str, now: datetime) -> Job:
    """Cancel a job: a queued one at once, a running one at its next checkpoint.

    Repeating it changes nothing. Raises InvalidTransition if it has ended in another way.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state == states.CANCELLED or job.cancel_requested_at is not None:
        return job
    check_transition(str(job), job.state, states.CANCELLED, states.TRANSITIONS)
    job.cancel_requested_at, job.cancelled_by = now, storable_text(actor)[:200]
    if job.state == states.QUEUED:
        job.state, job.ended_at, job.caller_slot = states.CANCELLED, now, None
        if job.kind in job_kinds:
            job_kinds.get(job.kind).on_cancelled(job.input)
    job.save(
        update_fields=["state", "cancel_requested_at", "cancelled_by", "ended_at", "caller_slot"]
    )
    return job
