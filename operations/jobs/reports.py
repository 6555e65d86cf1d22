"""Read jobs."""

from collections.abc import Collection

from django.db.models import QuerySet

from operations.jobs import states
from operations.jobs.models import Job
from operations.jobs.registry import job_kinds


def jobs() -> QuerySet[Job]:
    """All jobs, the newest first."""
    return Job.objects.order_by("-created_at", "-pk")


def job(job_id: int) -> Job:
    """Raises Job.DoesNotExist."""
    return Job.objects.get(pk=job_id)


def area_of(kind: str) -> str:
    """The API area whose scope shows jobs of a kind; operational where no code knows the kind."""
    return job_kinds.get(kind).area if kind in job_kinds else "operational"


def open_jobs() -> QuerySet[Job]:
    """Queued and running jobs, the oldest first."""
    return Job.objects.filter(state__in=states.OPEN).order_by("created_at", "pk")


def latest(kinds: Collection[str], subject: str) -> Job | None:
    """The newest job of these kinds about a subject."""
    found = Job.objects.filter(kind__in=kinds, subject=subject)
    return found.order_by("-created_at", "-pk").first()


def find(job_id: int) -> Job | None:
    return Job.objects.filter(pk=job_id).first()
