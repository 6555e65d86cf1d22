"""Read jobs."""

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


def kinds_of(area: str) -> list[str]:
    """The kinds of jobs of an API area."""
    return [each.name for each in job_kinds if each.area == area]


def latest(kind: str, subject: str, state: str = "") -> Job | None:
    """The newest job of a kind about a subject, of any state or of `state`."""
    found = Job.objects.filter(kind=kind, subject=subject)
    return (found.filter(state=state) if state else found).order_by("-created_at", "-pk").first()


def open_jobs() -> QuerySet[Job]:
    """Queued and running jobs, the oldest first."""
    return Job.objects.filter(state__in=states.OPEN).order_by("created_at", "pk")
