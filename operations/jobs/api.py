"""The API of jobs: list them, poll one, cancel one; and the 202 that other calls answer with."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import endpoint, fields
from aethercrown.api.endpoint import (
    Conflict,
    ReadOnlyViewSet,
    StrictEndpoint,
    reply,
    unknown_names,
)
from aethercrown.api.openapi import Accepted, documented
from aethercrown.history.attribution import actor_of
from aethercrown.text import last_line
from operations.jobs import examples, reports, services
from operations.jobs.caller import caller_of
from operations.jobs.models import Job
from operations.jobs.registry import job_kinds

RESPOND_ASYNC = "respond-async"
POLL_SECONDS = 2
MAX_ID_DIGITS = 18
READ = {"GET", "HEAD", "OPTIONS"}


class JobProgressSerializer(serializers.Serializer[Any]):
    """Steps done and in all; `total` and `percent` are null where the number is unknown."""

    done = fields.Count()
    total = fields.Count(allow_null=True)
    percent = fields.Percent(allow_null=True)
    note = fields.Text(allow_blank=True)


class JobSerializer(serializers.Serializer[Any]):
    """A job without its result."""

    job_id = fields.Count()
    kind = fields.Text()
    title = fields.Text()
    subject = fields.Text(allow_blank=True)
    status = fields.Option(choices=Job.State.values)
    progress = JobProgressSerializer()
    attempt = fields.Count()
    created_at = fields.Instant()
    started_at = fields.Instant(allow_null=True)
    ended_at = fields.Instant(allow_null=True)
    cancel_requested_at = fields.Instant(allow_null=True)
    error = fields.Text(allow_null=True, max_length=8_000)

    def to_representation(self, job: Job) -> dict[str, Any]:
        return job_fields(job)


class JobWithResultSerializer(JobSerializer):
    """A job; `result` is what the call without `Prefer` has in `data`, once the job is done."""

    result = serializers.JSONField(required=False, help_text="Null until the job is done.")

    def to_representation(self, job: Job) -> dict[str, Any]:
        return {**job_fields(job), "result": job.result}


class JobAcceptedSerializer(serializers.Serializer[Any]):
    """The job that calculates the answer."""

    job = JobSerializer()


ACCEPTED = Accepted(JobAcceptedSerializer, {"job": examples.JOB}, "Accepted: poll the job")


def job_fields(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.pk,
        "kind": job.kind,
        "title": job.title,
        "subject": job.subject,
        "status": job.state,
        "progress": {
            "done": job.done,
            "total": job.total,
            "percent": job.percent,
            "note": job.note,
        },
        "attempt": job.attempt,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "cancel_requested_at": job.cancel_requested_at,
        "error": last_line(job.error) if job.error else None,
    }


class JobLimit(exceptions.APIException):
    """429: the caller has as many open jobs as it may."""

    status_code = 429
    default_code = "job_limit"
    wait = 5


def prefers_async(request: Request) -> bool:
    """Whether the caller sent `Prefer: respond-async` (RFC 7240)."""
    stated = request.headers.get("Prefer", "").split(",")
    return any(each.partition(";")[0].strip().lower() == RESPOND_ASYNC for each in stated)


def accept(request: Request, kind: str, given: Mapping[str, Any], subject: str = "") -> Response:
    """Start a job in the caller's name; 202 with the job and its address. Raises JobLimit."""
    try:
        job = services.start(
            kind, given, caller=caller_of(request), now=timezone.now(), subject=subject
        )
    except services.JobLimitReached as error:
        raise JobLimit(str(error)) from error
    response = reply(ACCEPTED.message, {"job": job_fields(job)}, 202)
    for name, text in accepted_headers({"data": {"job": {"job_id": job.pk}}}).items():
        response[name] = text
    return response


def accepted_headers(content: Mapping[str, Any]) -> dict[str, str]:
    """Where the job of a 202 is polled; empty if the answer has none. Also for a replayed one."""
    job = (content.get("data") or {}).get("job")
    if not job:
        return {}
    return {
        "Location": f"/api/v1/operational/jobs/{job['job_id']}",
        "Preference-Applied": RESPOND_ASYNC,
        "Retry-After": str(POLL_SECONDS),
    }


endpoint.accepted_headers.append(accepted_headers)


class JobViewSet(StrictEndpoint, ReadOnlyViewSet[Job]):
    """Jobs, the newest first. Each needs the scope of the area of its kind.

    The key that started a job may poll it with the scope that started it. A person with a session
    finds those kinds that his role may see.
    """

    area = "operational"
    permission_to_read = "operations.view_job"
    list_name = "jobs"
    title = "job"
    ordering = ("-created_at", "-pk")
    queryset = reports.jobs()
    serializer_class = JobWithResultSerializer
    example = examples.JOB_WITH_RESULT
    list_example = examples.JOB
    query_names = ("cursor", "limit")

    @property
    def scopes(self) -> tuple[str, ...]:  # type: ignore[override]  # here it depends on the job
        """The scopes for one job; empty for the list, where `area` counts."""
        if "pk" not in self.kwargs:
            return ()
        job_id = str(self.kwargs["pk"])
        known = job_id.isascii() and job_id.isdecimal() and len(job_id) <= MAX_ID_DIGITS
        job = Job.objects.filter(pk=job_id).only("kind", "caller").first() if known else None
        area = reports.area_of(job.kind) if job else self.area
        own = job is not None and job.caller == caller_of(self.request)
        reads = self.request.method in READ and not own
        return (f"{area}:{'read' if reads else 'write'}",)

    def get_queryset(self) -> QuerySet[Job]:
        found = reports.jobs()
        granted = getattr(self.request.auth, "scopes", None)
        if granted is None:
            return reports.seen_by(self.request.user, found)
        if "pk" in self.kwargs:
            return found
        kinds = [each.name for each in job_kinds if f"{each.area}:read" in granted]
        return found.filter(kind__in=kinds)

    def get_serializer_class(self) -> type[JobSerializer]:
        return JobWithResultSerializer if "pk" in self.kwargs else JobSerializer

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        job = self.get_object()
        response = reply("The job", JobWithResultSerializer(job).data)
        if job.is_open:
            response["Retry-After"] = str(POLL_SECONDS)
        return response

    @documented(
        "Cancel a job",
        answer=JobWithResultSerializer,
        example_answer={**examples.JOB_WITH_RESULT, "cancel_requested_at": "2026-11-20T12:00:09Z"},
        message="Job cancelled",
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """A queued job ends at once, a running one at its next step. Repeating changes nothing."""
        if unknown := unknown_names(request.data, ()):
            raise exceptions.ValidationError(unknown)
        try:
            job = services.cancel(self.get_object().pk, actor=actor_of(request), now=timezone.now())
        except services.InvalidTransition as error:
            raise Conflict(str(error)) from error
        message = "Job cancelled" if not job.is_open else "The job stops at its next step"
        return reply(message, JobWithResultSerializer(job).data)
