"""Admin screens of opportunities and offer terms."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.csv.admin import CSVAdmin
from aethercrown.history.attribution import actor_of
from aethercrown.transitions import InvalidTransition
from operations.decisions.decision_types import Stale
from revenue.customers.services import InvalidEntry
from revenue.upsell import reports, services
from revenue.upsell.models import OfferTerms, Opportunity
from security.access import reports as people


class OutcomeForm(forms.Form):
    outcome = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget())


class AcceptForm(OutcomeForm):
    """The agreed amount; without it the subscription stays as it is."""

    amount = forms.DecimalField(
        label="Agreed a month",
        required=False,
        min_value=0,
        max_digits=15,
        decimal_places=3,
        help_text="The subscription moves to the plan today at this amount. Empty: no change.",
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    field_order = ["amount", "outcome"]


class ConfirmedStep(NamedTuple):
    verb: str
    question: str
    service: Callable[..., Opportunity]
    form: type[forms.Form]


OFFER = ConfirmedStep(
    "Offer",
    "Make the offer? It is mailed to the contacts who decide and agreed to offers; where there is "
    "none, the account manager makes it. It expires after the days set in the offer terms.",
    services.offer,
    forms.Form,
)
ACCEPT = ConfirmedStep(
    "Accept",
    "Did the customer accept? The effect on MRR is measured after 60 days.",
    services.accept,
    AcceptForm,
)
DECLINE = ConfirmedStep(
    "Decline",
    "Did the customer decline? New offers wait for the rest days of the offer terms.",
    services.decline,
    OutcomeForm,
)
WITHDRAW = ConfirmedStep(
    "Withdraw", "Withdraw it? The next sweep may find it again.", services.withdraw, OutcomeForm
)


@admin.register(Opportunity)
class OpportunityAdmin(CSVAdmin):
    list_display = [
        *("customer", "kind", "state", "current_plan", "recommended_plan"),
        *("gain", "currency", "confidence", "owner", "found_at"),
    ]
    list_filter = ["state", "kind", "recommended_plan", "owner", "currency"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id", "owner"]
    date_hierarchy = "found_at"
    export_kind = "opportunities"
    actions = ["offer_all"]
    actions_detail = ["offer", "accept", "decline", "withdraw"]
    editable = ("owner", "notes")
    fieldsets = [
        (None, {"fields": ["customer", "kind", "state", "reason", "explanation"]}),
        ("Plans", {"fields": ["current_plan", "recommended_plan", "version"]}),
        ("Gain a month", {"fields": ["gain", "gain_low", "gain_high", "currency", "confidence"]}),
        ("People", {"fields": ["owner", "notes", "outcome", "decided_by", "agreed_amount"]}),
        ("Offer", {"fields": ["delivery", "mailed", "offered_at", "expires_at"]}),
        ("Dates", {"fields": ["found_at", "updated_at", "decided_at"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        """Only owner and notes can be edited."""
        named = [name for _, part in self.fieldsets for name in part["fields"]]
        return [name for name in named if name not in self.editable]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        services.assign(obj.pk, owner=obj.owner, notes=obj.notes)

    @admin.display(description="calculation")
    def explanation(self, row: Opportunity) -> str:
        return format_html('<a href="/dashboards/upsell/{}">Cost of every plan</a>', row.pk)

    @admin.display(description="mail")
    def mailed(self, row: Opportunity) -> str:
        """What became of each mail of the offer."""
        lines = ((each,) for each in reports.offer_mails(row.pk))
        return format_html_join("", "<div>{}</div>", lines) or "none"

    @admin.action(description="Offer, by mail or by the account manager", permissions=["decide"])
    def offer_all(self, request: HttpRequest, rows: QuerySet[Opportunity]) -> None:
        for row in rows.order_by("pk"):
            self._take(request, row, services.offer)

    @button("Offer", "offer", "decide")
    def offer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, OFFER)

    @button("Accepted", "accept", "decide")
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, ACCEPT)

    @button("Declined", "decline", "decide")
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, DECLINE)

    @button("Withdraw", "withdraw", "decide")
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._confirm(request, object_id, WITHDRAW)

    def _confirm(self, request: HttpRequest, object_id: str, step: ConfirmedStep) -> HttpResponse:
        """Show the confirmation page of a step; take the step once it is confirmed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(reports.opportunities(), pk=object_id)
        sent = request.POST if request.method == "POST" else None  # which may be empty
        amount = row.costs.get(row.recommended_plan, {}).get("estimate")
        form = step.form(sent, initial={"amount": amount})
        if form.is_valid():
            self._take(request, row, step.service, **form.cleaned_data)
            return redirect(change_url(row))
        title = f"{step.verb}: {row}"
        return confirmation_page(
            self, request, row, step.question, step.verb, form=form, title=title
        )

    def _take(
        self,
        request: HttpRequest,
        row: Opportunity,
        service: Callable[..., Opportunity],
        **more: Any,
    ) -> None:
        try:
            after = service(row.pk, by=actor_of(request), now=timezone.now(), **more)
        except (InvalidTransition, InvalidEntry, Stale) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, after, f"State changed to {after.state}.")
            self.message_user(request, f"{after} is {after.state}.", messages.SUCCESS)


@admin.register(OfferTerms)
class OfferTermsAdmin(ModelAdmin):
    list_display = ["__str__", "offers_per_day", "rest_days", "valid_days", "least_gain"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request)) and not OfferTerms.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)
