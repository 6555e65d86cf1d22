"""Read jobs."""

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat

from aethercrown.history import attribution
from operations.jobs import states
from operations.jobs.caller import ACCOUNT, account
from operations.jobs.models import Job
from operations.jobs.registry import job_kinds

STATES = tuple(Job.State.values)
UNKNOWN_KIND = "operations.see_every_job"  # nobody is given it: superusers hold every permission


def jobs() -> QuerySet[Job]:
    """All jobs, the newest first."""
    return Job.objects.order_by("-created_at", "-pk")


def job(job_id: int) -> Job:
    """Raises Job.DoesNotExist."""
    return Job.objects.get(pk=job_id)


def area_of(kind: str) -> str:
    """The API area whose scope shows jobs of a kind; operational where no code knows the kind."""
    return job_kinds.get(kind).area if kind in job_kinds else "operational"


def may_see(user: Any, kind: str) -> bool:
    """Whether a person may see jobs of a kind; of one that no code knows only superusers may."""
    permission = job_kinds.get(kind).permission if kind in job_kinds else UNKNOWN_KIND
    return bool(user.has_perm(permission))


def seen_by(user: Any, rows: QuerySet[Job]) -> QuerySet[Job]:
    """Those of the jobs that the person may see."""
    if user.has_perm(UNKNOWN_KIND):
        return rows
    return rows.filter(kind__in=[name for name in job_kinds.names() if may_see(user, name)])


def open_jobs() -> QuerySet[Job]:
    """Queued and running jobs, the oldest first."""
    return Job.objects.filter(state__in=states.OPEN).order_by("created_at", "pk")


def latest(kinds: Collection[str], given: Mapping[str, int]) -> Job | None:
    """The newest job of these kinds with that input, such as the id of what it is about.

    Not by its subject, which is a text for people: two things may be called the same.
    """
    about: dict[str, Any] = {f"input__{name}": value for name, value in given.items()}
    found = Job.objects.filter(kind__in=kinds, **about)
    return found.order_by("-created_at", "-pk").first()


def find(job_id: int) -> Job | None:
    return Job.objects.filter(pk=job_id).first()


def started_by(user: Any) -> QuerySet[Job]:
    """The jobs that a person started, the newest first."""
    return jobs().filter(caller=account(user))


def with_starters(rows: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs with `starter`: who started each, as an actor."""
    account_text = Concat(Value(f"{ACCOUNT}:"), Cast("pk", CharField()))
    people = get_user_model().objects.annotate(
        account=account_text, actor=Concat(Value("user:"), "username")
    )
    actor = Subquery(people.filter(account=OuterRef("caller")).values("actor")[:1])
    return rows.annotate(starter=Coalesce(actor, F("caller"), output_field=CharField()))


def made_page(found: Job) -> str:
    """The address of the page that shows what the job made; empty if there is none."""
    return job_kinds.get(found.kind).page(found.input) if found.kind in job_kinds else ""


def actor_behind(caller: str) -> str:
    """The actor of a caller's work: a person by name, as history and four eyes know people."""
    kind, _, number = caller.partition(":")
    if kind != ACCOUNT or not number.isdecimal():
        return caller
    user = get_user_model().objects.filter(pk=number).first()
    return attribution.user_actor(user) if user is not None else caller
