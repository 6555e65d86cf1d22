"""Months as they were closed, with whom they could not bill; a button closes one now."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from aethercrown.db.fields import default_currency
from aethercrown.transitions import InvalidTransition
from revenue.billing.admin import Booked
from revenue.billing.models import Closing
from revenue.billing.periods import complete, month
from revenue.billing.services import invoice_run
from security.access import reports as people

PATIENCE = 20.0  # seconds that a person waits; the nightly run issues the rest
Screen = Callable[[Any, HttpRequest], HttpResponse]
CLOSE: Callable[[Screen], Screen] = action(
    description="Issue a month's invoices", permissions=["approve"], url_path="issue"
)


class MonthForm(forms.Form):
    """Which month, in which currency."""

    month = forms.DateField(
        help_text="Any day of it.", widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"})
    )
    currency = forms.CharField(
        min_length=3, max_length=3, widget=UnfoldAdminTextInputWidget(), help_text="Such as USD."
    )


@admin.register(Closing)
class ClosingAdmin(Booked, ModelAdmin):
    list_display = ["__str__", "state", "issued", "left_out", "proposed_at", "finished_at"]
    list_filter = ["currency"]
    list_select_related = ["decision"]
    actions_list = ["close"]
    fields = [
        "currency",
        "period_start",
        "state",
        "issued",
        "reasons",
        "proposed_at",
        "begun_at",
        "finished_at",
    ]

    def has_approve_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @admin.display(description="decision")
    def state(self, closing: Closing) -> str:
        decision = closing.decision
        if decision is None:
            return "none"
        path = reverse("admin:operations_decision_change", args=[decision.pk])
        return format_html('<a href="{}">{}</a>', path, decision.get_status_display())

    @admin.display(description="not billed")
    def left_out(self, closing: Closing) -> int:
        return len(closing.not_billed)

    @admin.display(description="not billed, and why")
    def reasons(self, closing: Closing) -> str:
        if closing.finished_at is None:
            return "known once all are issued; the decision says whom the previews leave out"
        rows = ((who, why) for who, why in closing.not_billed)
        return format_html_join("", "<div>{}: {}</div>", rows) or "nobody"

    @CLOSE
    def close(self, request: HttpRequest) -> HttpResponse:
        """Approve a month's invoices and issue them; a GET asks."""
        newest = complete(timezone.now().date(), 1)[0]
        first = {"month": newest.start, "currency": default_currency()}
        form = MonthForm(request.POST if request.method == "POST" else None, initial=first)
        back = reverse("admin:revenue_closing_changelist")
        if request.method == "POST" and form.is_valid() and self._closed(request, form):
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": "Issue a month's invoices",
            "question": (
                "Every customer who paid for a plan in the month gets an invoice, which is never"
                " rewritten. Whoever has one already, gets none again."
            ),
            "form": form,
            "verb": "Issue",
            "back": back,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)

    def _closed(self, request: HttpRequest, form: MonthForm) -> bool:
        """Whether it was done; what stands against it is told beside its field."""
        until = monotonic() + PATIENCE
        try:
            row = invoice_run.close(
                form.cleaned_data["currency"].upper(),
                month(form.cleaned_data["month"]),
                by=request.user.get_username(),
                now=timezone.now(),
                held=lambda: monotonic() < until,
            )
        except invoice_run.Refused as error:
            form.add_error("month", str(error).removeprefix("month: "))
            return False
        except (InvalidTransition, invoice_run.Stale) as error:
            form.add_error("month", str(error))
            return False
        self.log_change(request, row, "Issued.")
        self.message_user(request, _told(row), messages.SUCCESS)
        return True


def _told(row: Closing) -> str:
    if row.finished_at is None:
        return f"{row} are being issued; the nightly run goes on with it."
    without = f"; {len(row.not_billed)} customers could not be billed" if row.not_billed else ""
    return f"{row}: {row.issued} are issued{without}."
