"""Meters, daily usage, invoices and invoice runs; services write all but the meters."""

from decimal import Decimal
from time import monotonic
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.admin_actions import button, confirmation_page, list_url
from aethercrown.csv.admin import CSVAdmin
from aethercrown.db.fields import default_currency
from aethercrown.formatting import counted
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from operations.decisions.decision_types import Stale
from revenue.billing.models import (
    Adjustment,
    CreditEntry,
    DailyUse,
    Invoice,
    InvoiceRun,
    Meter,
)
from revenue.billing.periods import billing_month, complete_months
from revenue.billing.reports import credit_balance as credit_reports
from revenue.billing.services import credit_balance, invoice_run
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from security.access import reports as people


@admin.register(Meter)
class MeterAdmin(ModelAdmin):
    list_display = ["title", "code", "unit", "input_group", "aggregation"]
    list_filter = ["input_group", "aggregation"]
    search_fields = ["title", "code"]

    def get_readonly_fields(self, request: HttpRequest, obj: Meter | None = None) -> list[str]:
        """A meter with stored usage keeps its code, input group and aggregation."""
        used = obj is not None and obj.daily_use.exists()
        return ["code", "input_group", "aggregation"] if used else ["code"] if obj else []


@admin.register(DailyUse)
class DailyUseAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["day", "customer", "meter", "quantity", "is_correction", "booked_at"]
    list_filter = ["meter", "is_correction"]
    list_select_related = ["customer", "meter"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "day"
    import_kinds = ("billed-use",)
    export_kind = "billed-use"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Totals are imported from files although no row is edited by hand."""
        return bool(request.user.has_perm("revenue.add_dailyuse"))


class AdjustmentInline(ReadOnlyAdmin, TabularInline):
    model = Adjustment
    fk_name = "invoice"
    fields = ["original_invoice", "rated", "amount"]
    extra = 0


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["period_start", "customer", "total", "carried", "currency", "issued_at"]
    list_filter = ["currency", "period_start"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "period_start"
    inlines = [AdjustmentInline]
    export_kind = "invoices"
    fields = [
        *("customer", "period_start", "period_end", "total", "carried", "currency", "explanation"),
        *("version", "digest", "inputs", "plan_periods", "issued_at", "issued_by"),
    ]

    @admin.display(description="calculation")
    def explanation(self, invoice: Any) -> str:
        path = f"/dashboards/revenue/bills/{invoice.customer_id}?month={invoice.period_start}"
        return format_html('<a href="{}">Line by line</a>', path)


class PayoutForm(forms.Form):
    customer = forms.CharField(
        max_length=100, help_text="Its external id.", widget=UnfoldAdminTextInputWidget()
    )
    amount = forms.DecimalField(
        max_digits=18, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget()
    )
    note = forms.CharField(
        max_length=200,
        required=False,
        help_text="Kept also when the customer's data are erased: name nobody.",
        widget=UnfoldAdminTextInputWidget(),
    )


@admin.register(CreditEntry)
class CreditEntryAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["booked_at", "customer", "kind", "amount", "balance", "currency", "note"]
    list_filter = ["kind", "currency"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "booked_at"
    export_kind = "credits"
    actions_list = ["pay_out"]

    def has_approve_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @admin.display(description="balance now")
    def balance(self, entry: CreditEntry) -> Decimal:
        owner = entry.customer.merged_into_id or entry.customer_id
        return credit_reports.balances([owner]).get(owner, Decimal(0))

    @button("Pay out credit", "payments", "approve")
    def pay_out(self, request: HttpRequest) -> HttpResponse:
        """Record that a customer's credit was paid to them; a GET shows the form."""
        form = PayoutForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and self._paid_out(request, form):
            return redirect(list_url(self))
        question = "The amount leaves the customer's balance; pay it by your bank as usual."
        title = "Pay out a customer's credit"
        return confirmation_page(self, request, None, question, "Pay out", form=form, title=title)

    def _paid_out(self, request: HttpRequest, form: PayoutForm) -> bool:
        values = form.cleaned_data
        customer = Customer.objects.filter(external_id=values["customer"]).first()
        if customer is None:
            form.add_error("customer", f"There is no customer {values['customer']}.")
            return False
        by, now = request.user.get_username(), timezone.now()
        try:
            row = credit_balance.pay_out(
                customer.pk, values["amount"], by=by, now=now, note=values["note"]
            )
        except InvalidEntry as error:
            form.add_error(error.field, str(error).removeprefix(f"{error.field}: "))
            return False
        self.log_change(request, row, "Paid out.")
        self.message_user(request, f"{row} for {customer}.", messages.SUCCESS)
        return True


TIME_LIMIT_SECONDS = 20.0  # the nightly run issues the rest


class MonthForm(forms.Form):
    month = forms.DateField(
        help_text="Any day of it.", widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"})
    )
    currency = forms.CharField(
        min_length=3, max_length=3, widget=UnfoldAdminTextInputWidget(), help_text="Such as USD."
    )


@admin.register(InvoiceRun)
class InvoiceRunAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = [
        "__str__",
        "state",
        "issued_count",
        "not_billed_count",
        "proposed_at",
        "finished_at",
    ]
    list_filter = ["currency"]
    list_select_related = ["decision"]
    actions_list = ["issue_month"]
    fields = [
        *("currency", "period_start", "state", "issued_count"),
        *("reasons", "proposed_at", "approved_at", "finished_at"),
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

    @admin.display(description="not billed")
    def not_billed_count(self, run: InvoiceRun) -> int:
        return len(run.not_billed)

    @admin.display(description="not billed, and why")
    def reasons(self, run: InvoiceRun) -> str:
        if run.finished_at is None:
            return "shown once all are issued; the decision lists customers that cannot be billed"
        rows = ((who, why) for who, why in run.not_billed)
        return format_html_join("", "<div>{}: {}</div>", rows) or "none"

    @button("Issue a month's invoices", "issue", "approve")
    def issue_month(self, request: HttpRequest) -> HttpResponse:
        """Approve a month's invoices and issue them; a GET shows the form."""
        newest = complete_months(timezone.now().date(), 1)[0]
        first = {"month": newest.start, "currency": default_currency()}
        form = MonthForm(request.POST if request.method == "POST" else None, initial=first)
        if form.is_valid() and self._issue(request, form):
            return redirect(list_url(self))
        question = (
            "Every customer with something to bill for the month gets an invoice, which cannot be"
            " changed. Customers with an invoice for the month get no second one."
        )
        title = "Issue a month's invoices"
        return confirmation_page(self, request, None, question, "Issue", form=form, title=title)

    def _issue(self, request: HttpRequest, form: MonthForm) -> bool:
        """Issue the form's month; on failure the error is shown beside its field."""
        until = monotonic() + TIME_LIMIT_SECONDS
        try:
            row = invoice_run.issue_month(
                form.cleaned_data["currency"].upper(),
                billing_month(form.cleaned_data["month"]),
                by=actor_of(request),
                now=timezone.now(),
                keep_going=lambda: monotonic() < until,
            )
        except (InvalidEntry, InvalidTransition, Stale) as error:
            form.add_error("month", str(error).removeprefix("month: "))
            return False
        self.log_change(request, row, "Issued.")
        refused = counted(len(row.not_billed), "customer")
        without = f"; {refused} could not be billed" if row.not_billed else ""
        done = f"{row}: {counted(row.issued_count, 'invoice')} issued{without}."
        waiting = f"{row} are being issued; the nightly run continues."
        self.message_user(request, done if row.finished_at else waiting, messages.SUCCESS)
        return True
