"""Invoices, credit notes, and customers' credit; services write them."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.admin_actions import button, change_url, confirmation_page, list_url
from aethercrown.csv.admin import CSVAdmin
from aethercrown.formatting import counted, money_text, month_text
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from revenue.billing.models import Adjustment, CreditEntry, CreditNote, Invoice
from revenue.billing.reports import bills, previews
from revenue.billing.reports import credit_balance as credit_reports
from revenue.billing.reports.bills import Bill
from revenue.billing.services import credit_balance, credit_notes, invoices
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from security.access import reports as people


class AdjustmentInline(ReadOnlyAdmin, TabularInline):
    model = Adjustment
    fk_name = "invoice"
    fields = ["original_invoice", "rated", "amount"]
    extra = 0


class CreditNoteInline(ReadOnlyAdmin, TabularInline):
    model = CreditNote
    fields = ["issued_at", "total", "reason", "issued_by"]
    extra = 0


class CreditNoteForm(forms.Form):
    amount = forms.DecimalField(
        max_digits=18, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget()
    )
    reason = forms.CharField(
        max_length=200,
        help_text="Kept also when the customer's data are erased: name nobody.",
        widget=UnfoldAdminTextInputWidget(),
    )


class OneInvoiceForm(forms.Form):
    """`shown` is the bill that the person was shown; another one is shown first."""

    customer = forms.CharField(
        max_length=100, help_text="Its external id.", widget=UnfoldAdminTextInputWidget()
    )
    month = forms.DateField(
        help_text="Any day of it.", widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"})
    )
    shown = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput())


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["period_start", "customer", "total", "carried", "currency", "issued_at"]
    list_filter = ["currency", "period_start"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "period_start"
    inlines = [AdjustmentInline, CreditNoteInline]
    export_kind = "invoices"
    actions_list = ["issue_one", *CSVAdmin.actions_list]
    actions_detail = ["credit"]
    fields = [
        *("customer", "period_start", "period_end", "total", "carried", "currency", "explanation"),
        *("version", "digest", "inputs", "plan_periods", "issued_at", "issued_by"),
    ]

    @admin.display(description="calculation")
    def explanation(self, invoice: Any) -> str:
        path = f"/dashboards/revenue/bills/{invoice.customer_id}?month={invoice.period_start}"
        return format_html('<a href="{}">Line by line</a>', path)

    def has_approve_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @button("Issue one customer's invoice", "issue-one", "approve")
    def issue_one(self, request: HttpRequest) -> HttpResponse:
        """Show a customer's bill of a month, then issue it."""
        first = {name: request.GET[name] for name in ("customer", "month") if name in request.GET}
        form = OneInvoiceForm(request.POST if request.method == "POST" else None, initial=first)
        question = "The bill is shown first. An issued invoice cannot be changed."
        if form.is_valid():
            try:
                found = bills.bill(
                    form.cleaned_data["customer"], form.cleaned_data["month"], timezone.now()
                )
                if self._issued_as_shown(request, form, found):
                    return redirect(list_url(self))
                question = _bill_in_words(found)
                form.data = {**form.cleaned_data, "shown": _shown(found)}
            except Customer.DoesNotExist:
                form.add_error("customer", "There is no such customer.")
            except InvalidEntry as error:
                form.add_error("month", str(error).removeprefix("month: "))
            except previews.RATING_ERRORS as error:
                form.add_error("customer", str(error))
        title = "Issue one customer's invoice"
        return confirmation_page(self, request, None, question, "Continue", form=form, title=title)

    def _issued_as_shown(self, request: HttpRequest, form: OneInvoiceForm, found: Bill) -> bool:
        """Issue the bill if this customer, month and total were shown."""
        if not found.is_complete:
            raise InvalidEntry("month", f"{month_text(found.span.start)} is not over.")
        if found.issued or form.cleaned_data["shown"] != _shown(found):
            return False
        by, now, key = actor_of(request), timezone.now(), found.customer.pk
        made = invoices.issue(key, found.span.start, by=by, now=now, shown=found.total)
        self.log_change(request, made, "Issued.")
        amount = money_text(made.total, made.currency)
        self.message_user(request, f"{made}: issued, {amount}.", messages.SUCCESS)
        return True

    @button("Issue a credit note", "credit-note", "approve")
    def credit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take back an amount of the invoice; a GET shows the form."""
        invoice = get_object_or_404(Invoice, pk=object_id)
        left = credit_notes.creditable(invoice)
        posted = request.POST if request.method == "POST" else None
        form = CreditNoteForm(posted, initial={"amount": left})
        if form.is_valid() and self._credited(request, invoice, form):
            return redirect(change_url(invoice))
        question = (
            "A credit note is a negative invoice that refers to this one. The invoice stays as it"
            " is, and its month is not billed again. Credit that the invoice used is not given"
            " back."
            f" Left to credit: {money_text(left, invoice.currency)}."
        )
        return confirmation_page(self, request, invoice, question, "Issue", form=form)

    def _credited(self, request: HttpRequest, invoice: Invoice, form: CreditNoteForm) -> bool:
        values, by = form.cleaned_data, actor_of(request)
        try:
            made = credit_notes.issue(
                invoice.pk, values["amount"], reason=values["reason"], by=by, now=timezone.now()
            )
        except InvalidEntry as error:
            form.add_error(error.field, str(error).removeprefix(f"{error.field}: "))
            return False
        amount = money_text(made.total, invoice.currency)
        self.log_change(request, invoice, f"Credit note: {amount}.")
        self.message_user(request, f"{made}: {amount}.", messages.SUCCESS)
        return True


def _shown(found: Bill) -> str:
    """A customer, a month and a total, to be compared with what is posted."""
    return f"{found.customer.pk} {found.span.start} {found.total}"


def _bill_in_words(found: Bill) -> str:
    name, month = str(found.customer), month_text(found.span.start)
    if found.issued:
        return f"{name} has an invoice for {month} already."
    total, lines = money_text(found.total, found.currency), counted(len(found.lines), "line")
    return f"{name}, {month}: {lines}, {total}. Press again to issue it; it cannot be changed then."


@admin.register(CreditNote)
class CreditNoteAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["issued_at", "invoice", "total", "currency", "reason", "issued_by"]
    list_select_related = ["invoice__customer"]
    search_fields = ["invoice__customer__name", "invoice__customer__external_id"]
    date_hierarchy = "issued_at"
    export_kind = "credit-notes"

    @admin.display(description="currency")
    def currency(self, note: CreditNote) -> str:
        return str(note.invoice.currency)


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
    actions_list = ["pay_out", *CSVAdmin.actions_list]

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
        by, now = actor_of(request)[:150], timezone.now()
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
