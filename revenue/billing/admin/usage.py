"""Meters, daily use, and choices for use on days without a plan."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.admin_actions import button, confirmation_page, list_url
from aethercrown.csv.admin import CSVAdmin
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from revenue.billing.models import DailyUse, Meter, UnbilledUseChoice
from revenue.billing.reports.previews import RATING_ERRORS
from revenue.billing.services import unbilled_use
from revenue.billing.unbilled_use import UseChoice
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


class UnbilledUseForm(forms.Form):
    customer = forms.CharField(
        max_length=100, help_text="Its external id.", widget=UnfoldAdminTextInputWidget()
    )
    first_day = forms.DateField(widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}))
    last_day = forms.DateField(widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}))
    choice = forms.ChoiceField(
        choices=[
            (UseChoice.BILL.value, "Bill it by a plan"),
            (UseChoice.WAIVE.value, "Waive it"),
            (UseChoice.LEAVE.value, "Leave it unbilled"),
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    plan = forms.CharField(
        max_length=100,
        required=False,
        help_text="The code of the plan that prices it; empty: the last plan before these days.",
        widget=UnfoldAdminTextInputWidget(),
    )
    note = forms.CharField(
        max_length=200,
        required=False,
        help_text="Kept also when the customer's data are erased: name nobody.",
        widget=UnfoldAdminTextInputWidget(),
    )


@admin.register(UnbilledUseChoice)
class UnbilledUseChoiceAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["customer", "first_day", "end_day", "choice", "plan", "chosen_at", "chosen_by"]
    list_filter = ["choice"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    actions_list = ["choose"]

    def has_approve_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_approve(people.person(request.user))

    @button("Bill or waive unbilled use", "choose", "approve")
    def choose(self, request: HttpRequest) -> HttpResponse:
        """Record what becomes of use on days without a plan; a GET shows the form."""
        first = {
            name: request.GET[name] for name in UnbilledUseForm.base_fields if name in request.GET
        }
        form = UnbilledUseForm(request.POST if request.method == "POST" else None, initial=first)
        if form.is_valid() and self._chosen(request, form):
            return redirect(list_url(self))
        question = (
            "Use on days without a plan is not billed unless you choose so. Billed use is priced"
            " as on the plan, without its base fee, on the bill of its month or, where that month"
            " is closed, on the next one. What an invoice billed stays billed."
        )
        title = "Bill or waive unbilled use"
        return confirmation_page(self, request, None, question, "Record", form=form, title=title)

    def _chosen(self, request: HttpRequest, form: UnbilledUseForm) -> bool:
        """Record the form's choice; on failure the error is shown beside its field."""
        values = form.cleaned_data
        customer = Customer.objects.filter(external_id=values["customer"]).first()
        if customer is None:
            form.add_error("customer", f"There is no customer {values['customer']}.")
            return False
        try:
            row = unbilled_use.choose(
                customer.pk,
                values["first_day"],
                values["last_day"],
                UseChoice(values["choice"]),
                by=actor_of(request),
                now=timezone.now(),
                plan=values["plan"],
                note=values["note"],
            )
        except InvalidEntry as error:
            form.add_error(error.field, str(error).removeprefix(f"{error.field}: "))
            return False
        except RATING_ERRORS as error:
            form.add_error("plan", str(error))
            return False
        self.log_change(request, row, "Recorded.")
        self.message_user(request, f"{row}, for {customer}.", messages.SUCCESS)
        return True
