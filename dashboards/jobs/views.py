"""The pages of jobs: a person's own with their progress; one job with its result."""

import json

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from aethercrown.history.attribution import shown_actor, user_actor
from aethercrown.page_parts import EmptyState, JobProgress
from aethercrown.text import last_line
from dashboards import page_context
from dashboards.access import holds, opened_by, viewer
from dashboards.listing import ListField, Listing
from dashboards.tables import Column
from operations.jobs import reports, services
from operations.jobs.caller import account
from operations.jobs.reports import Job

PAGES, SEES_ALL, CANCELS_ALL = "security.view_pages", "operations.view_job", "security.operate"
JOBS = page_context.Breadcrumb("Jobs", "/dashboards/jobs")
MAX_SHOWN = 10  # jobs with their progress
MAX_RESULT_CHARACTERS = 20_000


@viewer
def jobs(request: HttpRequest) -> HttpResponseBase:
    """How far the jobs are that the person started, and all of them."""
    own = reports.started_by(request.user)
    fields = (
        ListField("title", Column("Job"), search=True),
        ListField("subject", Column("About"), search=True),
        ListField("state", Column("State", badge=True), filter=True, choices=reports.STATES),
        ListField("created_at", Column("Started")),
        ListField("ended_at", Column("Ended")),
        ListField("error", Column("Why it failed", prose=True), show=last_line),
    )
    listing = Listing(
        "jobs", "Your jobs", fields, own, request.GET.dict(),
        order="-created_at", path="/dashboards/jobs/{pk}", noun="job",
    )  # fmt: skip
    return page_context.render_page(
        request,
        "jobs",
        "Jobs",
        [listing],
        listing=listing,
        running=[progress(each) for each in reports.open_jobs().filter(pk__in=own)[:MAX_SHOWN]],
        empty=EmptyState(
            "You have started no job in the last 30 days",
            "Work that outlasts a request is done here: storing an import, simulating prices, "
            "previewing a month's invoices. A caller of the API sends `Prefer: respond-async`.",
        ),
    )


@opened_by(PAGES, posts=PAGES)
def job(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One job; a POST cancels it. It is there for who started it and for who may see its kind.

    The result is only for who may see its kind now, also of one's own job.
    """
    found = reports.find(pk)
    own = found is not None and found.caller == account(request.user)
    may_see = found is not None and reports.may_see(request.user, found.kind)
    if found is None or not (own or (may_see and holds(request, SEES_ALL))):
        raise Http404(f"There is no job {pk}.")
    may_cancel = own or holds(request, CANCELS_ALL)
    if request.method == "POST":
        return _cancelled(request, found, may_cancel=may_cancel)
    return page_context.render_page(
        request,
        "job",
        f"Job {pk}",
        [],
        [JOBS],
        job=progress(found),
        row=found,
        starter=shown_actor(reports.actor_behind(found.caller)),
        may_cancel=may_cancel and found.is_open and found.cancel_requested_at is None,
        page=reports.made_page(found),
        result=result_text(found) if may_see else "",
    )


def _cancelled(request: HttpRequest, found: Job, *, may_cancel: bool) -> HttpResponseBase:
    """Cancel the job, and back to its page."""
    if not may_cancel:
        messages.error(request, "Only who started a job, or an operator, cancels it.")
    else:
        try:
            services.cancel(found.pk, actor=user_actor(request.user), now=timezone.now())
            messages.success(request, "The job is cancelled, or stops at its next step.")
        except services.InvalidTransition as error:
            messages.error(request, str(error))
    return redirect("job", pk=found.pk)


def progress(found: Job) -> JobProgress:
    """How far a job is; its title says what it is about."""
    title = f"{found.title}: {found.subject}" if found.subject else found.title
    return JobProgress(
        f"job-{found.pk}", title, found.state, found.done, found.total,
        reverse("job", args=[found.pk]), found.note, is_over=not found.is_open,
    )  # fmt: skip


def result_text(found: Job) -> str:
    """The result as JSON; a long one is cut, and says so."""
    if found.result is None:
        return ""
    text = json.dumps(found.result, indent=2, ensure_ascii=False)
    if len(text) > MAX_RESULT_CHARACTERS:
        return f"{text[:MAX_RESULT_CHARACTERS]}\n... cut; the API gives it whole"
    return text
