"""Invoice runs: a month is previewed, then issued, each as a job."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from aethercrown.admin_actions import button, change_url, confirmation_page, list_url
from aethercrown.formatting import counted, moment_text, money_text, share_text
from aethercrown.history.attribution import shown_actor
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from operations.jobs.caller import caller_of
from operations.jobs.services import JobLimitReached
from revenue.billing.models import InvoiceRun
from revenue.billing.periods import billing_month, complete_months
from revenue.billing.reports import invoice_run as reports
from revenue.billing.services import jobs
from revenue.customers.services import InvalidEntry
from security.access import reports as people

REFUSED = (InvalidEntry, InvalidTransition, JobLimitReached)


class MonthForm(forms.Form):
    month = forms.DateField(
        help_text="Any day of it.", widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"})
    )
    currency = forms.CharField(
        min_length=3,
        max_length=3,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Such as USD; empty: every currency.",
    )


class IssueMonthForm(forms.Form):
    hold_without_use = forms.BooleanField(
        required=False,
        initial=True,
        label="Leave out customers whose use is missing",
        help_text="They had use in the month before, and none is known of this one.",
        widget=UnfoldBooleanSwitchWidget(),
    )


@admin.register(InvoiceRun)
class InvoiceRunAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = [
        *("__str__", "state", "previewed", "issued_count", "not_billed_count"),
        *("requester", "finished_at"),
    ]
    list_filter = ["currency"]
    list_select_related = ["decision"]
    actions_list = ["issue_month"]
    actions_detail = ["preview_again", "issue"]
    fieldsets = [
        (None, {"fields": ["currency", "period_start", "state", "progress"]}),
        ("Preview", {"fields": ["previewed", "refused", "differences", "without_use"]}),
        ("Issued", {"fields": ["issued_count", "reasons", "requester"]}),
        ("When", {"fields": ["proposed_at", "approved_at", "finished_at"]}),
    ]

    def has_approve_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @admin.display(description="decision")
    def state(self, run: InvoiceRun) -> str:
        decision = run.decision
        if decision is None:
            return "none"
        path = reverse("admin:operations_decision_change", args=[decision.pk])
        return format_html('<a href="{}">{}</a>', path, decision.get_status_display())

    @admin.display(description="last job")
    def progress(self, run: InvoiceRun) -> str:
        job = jobs.newest_job(run)
        if job is None:
            return "none"
        share = "" if job.percent is None else f", {share_text(job.percent / 100)}"
        path = reverse("admin:operations_job_change", args=[job.pk])
        return format_html('<a href="{}">{}: {}{}</a>', path, job.title, job.state, share)

    @admin.display(description="started by")
    def requester(self, run: InvoiceRun) -> str:
        return shown_actor(run.requested_by) if run.requested_by else "-"

    @admin.display(description="preview")
    def previewed(self, run: InvoiceRun) -> str:
        """Such as "118 invoices, $49,718.00"."""
        found = run.preview
        if found is None:
            return "not made yet"
        return f"{counted(found['invoices'], 'invoice')}, {_amount(found['total'], run)}"

    @admin.display(description="cannot be billed, and why")
    def refused(self, run: InvoiceRun) -> str:
        return _named_lines(run, "refused", str)

    @admin.display(description="largest differences from the month before")
    def differences(self, run: InvoiceRun) -> str:
        found = run.preview or {}
        rows = [
            (each["customer_id"], _difference(each, run)) for each in found.get("differences", ())
        ]
        return _lines(rows)

    @admin.display(description="use of the month before is missing")
    def without_use(self, run: InvoiceRun) -> str:
        return _named_lines(run, "without_use", ", ".join)

    @admin.display(description="not billed")
    def not_billed_count(self, run: InvoiceRun) -> int:
        return len(run.not_billed)

    @admin.display(description="not billed, and why")
    def reasons(self, run: InvoiceRun) -> str:
        if run.finished_at is None:
            return "shown once all are issued"
        return _lines(run.not_billed)

    @button("Issue a month's invoices", "issue", "approve")
    def issue_month(self, request: HttpRequest) -> HttpResponse:
        """Start the preview of a month; a GET shows the form."""
        first = {"month": complete_months(timezone.now().date(), 1)[0].start}
        form = MonthForm(request.POST if request.method == "POST" else None, initial=first)
        if form.is_valid() and (runs := self._previewed(request, form)):
            return redirect(change_url(runs[0]) if len(runs) == 1 else list_url(self))
        question = "First you see how many invoices there would be, for whom, and their sum."
        title = "Issue a month's invoices"
        return confirmation_page(self, request, None, question, "Preview", form=form, title=title)

    def _previewed(self, request: HttpRequest, form: MonthForm) -> list[InvoiceRun]:
        """The runs whose preview was started; on failure the error is shown beside its field."""
        span = billing_month(form.cleaned_data["month"])
        currency = form.cleaned_data["currency"].upper()
        try:
            runs = jobs.request_previews(
                currency, span, caller=caller_of(request), now=timezone.now()
            )
        except REFUSED as error:
            form.add_error("month", str(error).removeprefix("month: "))
            return []
        for each in runs:
            self.log_change(request, each, "Preview started.")
        if not runs:
            form.add_error("month", "No customer is due in this month.")
        else:
            self.message_user(request, "The preview is being made; load this page again.")
        return runs

    @button("Preview again", "preview", "approve")
    def preview_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        run = get_object_or_404(InvoiceRun, pk=object_id)
        if request.method != "POST":
            question = f"Preview “{run}” by what is stored now?"
            return confirmation_page(self, request, run, question, "Preview", form=forms.Form())
        span = billing_month(run.period_start)
        self._start(
            request,
            run,
            lambda: jobs.request_preview(
                run.currency, span, caller=caller_of(request), now=timezone.now()
            ),
            "Preview started.",
        )
        return redirect(change_url(run))

    @button("Issue these invoices", "issue", "approve")
    def issue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Start issuing what the preview showed; a GET shows its sums."""
        run = get_object_or_404(InvoiceRun, pk=object_id)
        form = IssueMonthForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            hold = form.cleaned_data["hold_without_use"]
            self._start(
                request,
                run,
                lambda: jobs.request_issue(
                    run.pk, hold_without_use=hold, caller=caller_of(request), now=timezone.now()
                ),
                "Issuing started.",
            )
            return redirect(change_url(run))
        return confirmation_page(self, request, run, _issue_question(run), "Issue", form=form)

    def _start(self, request: HttpRequest, run: InvoiceRun, start: Any, done: str) -> None:
        try:
            start()
        except REFUSED as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, run, done)
            self.message_user(request, f"{run}: {done[0].lower()}{done[1:]}", messages.SUCCESS)


def _amount(stored: str, run: InvoiceRun) -> str:
    return money_text(Decimal(stored), run.currency)


def _issue_question(run: InvoiceRun) -> str:
    """What was previewed, when, and that it cannot be undone."""
    found = run.preview
    if found is None:
        return "There is no preview yet. Preview the month first."
    refused = counted(found["refused_count"], "customer")
    missing = counted(found["without_use_count"], "customer")
    total = _amount(found["total"], run)
    return (
        f"{run}: {counted(found['invoices'], 'invoice')}, {total} by the preview of"
        f" {moment_text(parse_datetime(found['made_at']))}; {refused} cannot be billed; use of"
        f" {missing} is missing."
        " An issued invoice cannot be changed, and a credit note takes it back. Customers with an"
        " invoice for the month get no second one."
    )


def _difference(each: dict[str, Any], run: InvoiceRun) -> str:
    now = _amount(each["now"], run)
    if each["before"] is None:
        return f"{now}; no invoice the month before"
    return f"{_amount(each['before'], run)} → {now}"


def _named_lines(run: InvoiceRun, name: str, words: Any) -> str:
    """A line for each customer of a part of the preview, and how many are left out."""
    found = run.preview or {}
    rows = [(key, words(text)) for key, text in found.get(name, ())]
    more = found.get(f"{name}_count", 0) - len(rows)
    rest = format_html("<div>and {} more</div>", counted(more, "customer")) if more > 0 else ""
    return format_html("{}{}", _lines(rows), rest)


def _lines(rows: Any) -> str:
    return format_html_join("", "<div>{}: {}</div>", reports.named(rows)) or "none"
