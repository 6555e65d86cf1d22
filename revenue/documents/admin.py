"""Issuers, tax rates, billing details, number series, and the documents with their payment."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.csv.admin import CSVAdmin
from aethercrown.formatting import counted, money_text
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from revenue.customers.services import InvalidEntry
from revenue.documents import reports, services
from revenue.documents.models import (
    BillingDetails,
    InvoiceDocument,
    InvoiceIssuer,
    NumberSeries,
    ReminderStep,
    TaxRate,
)
from revenue.documents.reminder_steps import MAX_STEPS
from security.access import reports as people


class TaxRateInline(TabularInline):
    model = TaxRate
    extra = 0


class ReminderStepInline(TabularInline):
    model = ReminderStep
    extra = 0
    max_num = MAX_STEPS


@admin.register(InvoiceIssuer)
class InvoiceIssuerAdmin(ModelAdmin):
    list_display = [
        *("name", "country", "number_prefix", "payment_days", "mails_invoices", "is_default")
    ]
    inlines = [TaxRateInline, ReminderStepInline]


@admin.register(BillingDetails)
class BillingDetailsAdmin(ModelAdmin):
    list_display = ["customer", "name", "country", "tax_id", "issuer"]
    list_filter = ["country", "issuer"]
    list_select_related = ["customer", "issuer"]
    search_fields = ["name", "customer__name", "customer__external_id"]
    autocomplete_fields = ["customer"]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> tuple[str, ...]:
        return ("customer",) if obj else ()


@admin.register(NumberSeries)
class NumberSeriesAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["issuer", "year", "last"]
    list_select_related = ["issuer"]


class PaymentNoteForm(forms.Form):
    note = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget())


class PaymentForm(PaymentNoteForm):
    on = forms.DateField(
        label="Paid on", widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"})
    )
    field_order = ["on", "note"]


class PaymentStep(NamedTuple):
    verb: str
    question: str
    service: Callable[..., InvoiceDocument]
    form: type[forms.Form]


PAY = PaymentStep("Mark as paid", "Was the whole amount paid?", services.mark_paid, PaymentForm)
REOPEN = PaymentStep(
    "Reopen",
    "Was the payment returned, or is the write-off taken back?",
    services.reopen,
    PaymentNoteForm,
)
WRITE_OFF = PaymentStep(
    "Write off",
    "Will it not be paid? Say why; the invoice itself stays as it is.",
    services.write_off,
    PaymentNoteForm,
)


@admin.register(InvoiceDocument)
class InvoiceDocumentAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["number", "customer", "issued_on", "due_on", "gross", "currency", "state"]
    list_filter = ["state", "issuer", "currency", "year"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__name", "customer__external_id"]
    date_hierarchy = "issued_on"
    export_kind = "documents"
    actions_detail = ["download", "mail", "pay", "reopen", "write_off"]
    fields = [
        *("number", "customer", "issuer", "invoice", "credit_note", "issued_on", "due_on"),
        *("net", "tax", "gross", "currency", "retain_until"),
        *("state", "paid_on", "payment_note", "changed_by", "mailed"),
    ]
    readonly_fields = ["mailed"]

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))

    @button("Download PDF", "pdf", "view")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(InvoiceDocument, pk=object_id)
        try:
            drawn = reports.drawn(row)
        except reports.NothingPrinted as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(change_url(row))
        answer = HttpResponse(drawn, content_type="application/pdf")
        answer["Content-Disposition"] = f'attachment; filename="{row.number}.pdf"'
        return answer

    @admin.display(description="mail")
    def mailed(self, row: InvoiceDocument) -> str:
        """What became of each mail and reminder."""
        shown = reports.mailed(row)
        return format_html_join("", "<div>{}</div>", ((each,) for each in shown)) or "none"

    @button("Mail it", "mail", "decide")
    def mail(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(InvoiceDocument, pk=object_id)
        if request.method != "POST":
            question = f"Mail {row} as PDF to the finance contacts of {row.customer}?"
            return confirmation_page(self, request, row, question, "Mail it")
        try:
            count = services.mail_again(row.pk, now=timezone.now())
        except InvalidEntry as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, row, "Mailed.")
            self.message_user(request, f"Queued: {counted(count, 'mail')}.", messages.SUCCESS)
        return redirect(change_url(row))

    @button("Mark as paid", "pay", "decide")
    def pay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, PAY)

    @button("Reopen", "reopen", "decide")
    def reopen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, REOPEN)

    @button("Write off", "write-off", "decide")
    def write_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, WRITE_OFF)

    def _confirm(self, request: HttpRequest, object_id: str, step: PaymentStep) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(InvoiceDocument, pk=object_id)
        posted = request.POST if request.method == "POST" else None
        form = step.form(posted, initial={"on": timezone.localdate()})
        if form.is_valid():
            self._change(request, row, step.service, form.cleaned_data)
            return redirect(change_url(row))
        question = f"{row}, {money_text(row.gross, row.currency)}: {step.question}"
        return confirmation_page(self, request, row, question, step.verb, form=form)

    def _change(
        self,
        request: HttpRequest,
        row: InvoiceDocument,
        service: Callable[..., InvoiceDocument],
        values: dict[str, Any],
    ) -> None:
        try:
            after = service(row.pk, by=actor_of(request), **values)
        except (InvalidTransition, InvalidEntry) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            state = after.state.replace("_", " ")
            self.log_change(request, after, f"State changed to {state}.")
            self.message_user(request, f"{after} is {state}.", messages.SUCCESS)
