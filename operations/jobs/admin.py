"""The admin of jobs: how far each is, what it gave, and cancelling it."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from aethercrown.admin_actions import RowAction, RowActionAdmin, button
from aethercrown.formatting import percent_text
from aethercrown.history.attribution import shown_actor
from aethercrown.page_parts import JobProgress
from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.jobs import reports, services
from operations.jobs.models import Job

MAY_OPERATE = "security.operate"
MAX_RESULT_CHARACTERS = 20_000


class CancelJobForm(Form):
    """Cancelling takes no fields; `note` is what the log of changes says."""

    def clean(self) -> dict[str, Any]:
        return {**self.cleaned_data, "note": ""}


def cancel(job: Job, actor: str, _given: Mapping[str, Any]) -> str:
    services.cancel(job.pk, actor=actor, now=timezone.now())
    return "Cancelled"


CANCEL = RowAction(
    "Cancel job",
    "Cancel “{}”? A running job stops at its next step; what it has stored stays.",
    cancel,
    CancelJobForm,
)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin, RowActionAdmin):
    list_display = ["title", "subject", "state", "progress", "started_by", "created_at", "ended_at"]
    list_filter = ["state", "kind", "created_at"]
    search_fields = ["title", "subject", "caller"]
    date_hierarchy = "created_at"
    actions = ["cancel_selected"]
    actions_detail = ["cancel_one"]
    change_form_outer_before_template = "admin/progress.html"
    fieldsets = [
        (None, {"fields": ["title", "subject", "state", "progress", "error"]}),
        ("Result", {"fields": ["shown_result"]}),
        ("Who and when", {"fields": ["started_by", "created_at", "started_at", "ended_at"]}),
        (
            "Course",
            {"fields": ["kind", "attempt", "worker", "cancel_requested_at", "cancelled_by"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        seen = reports.seen_by(request.user, super().get_queryset(request))
        return reports.with_starters(seen)

    @admin.display(description="started by", ordering="caller")
    def started_by(self, job: Job) -> str:
        return shown_actor(getattr(job, "starter", job.caller))

    def has_operate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How far the job is, asked again until it is over."""
        row = self.get_object(request, object_id)
        job = row and JobProgress(
            "job-progress", row.title, row.state, row.done, row.total, request.path, row.note,
            is_over=not row.is_open,
        )  # fmt: skip
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "job": job}
        )
        return shown

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        """Such as "3 of 10 (30%): Fitting channels"."""
        steps = f"{job.done:,}" if job.total is None else f"{job.done:,} of {job.total:,}"
        share = "" if job.percent is None else f" ({percent_text(job.percent, 0)})"
        if job.state == Job.State.DONE:
            return "100%"
        return f"{steps}{share}{job.note and f': {job.note}'}" if job.total or job.done else "-"

    @admin.display(description="result")
    def shown_result(self, job: Job) -> str:
        """The result as JSON; a long one is cut, and says so."""
        if job.result is None:
            return "-"
        text = json.dumps(job.result, indent=2, ensure_ascii=False)
        if len(text) > MAX_RESULT_CHARACTERS:
            text = f"{text[:MAX_RESULT_CHARACTERS]}\n... cut; the API gives it whole"
        return format_html("<pre>{}</pre>", text)

    @button("Cancel", "cancel-job", "operate")
    def cancel_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, CANCEL)

    @admin.action(description="Cancel the selected jobs", permissions=["operate"])
    def cancel_selected(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self.act_on_each(request, jobs, CANCEL)
