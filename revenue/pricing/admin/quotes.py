"""Quotes: read, and requests for another price."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from revenue.pricing import services
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.models import Quote
from security.access import reports as people


class OverrideForm(forms.Form):
    """The price to agree on instead of the quoted one."""

    amount = forms.DecimalField(
        min_value=0, max_digits=15, decimal_places=3, widget=UnfoldAdminDecimalFieldWidget()
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget())


@admin.register(Quote)
class QuoteAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["quoted_at", "plan", "final_price", "agreed_price", "version", "quoted_by"]
    list_filter = ["plan", "currency", "quoted_at"]
    list_select_related = ["plan", "version__book"]
    date_hierarchy = "quoted_at"
    search_fields = ["quote_id", "quoted_by"]
    actions_detail = ["request_override"]
    fields = [
        *("quote_id", "plan", "final_price", "agreed_price", "currency", "explanation"),
        *("version", "digest", "quoted_at", "quoted_by", "inputs"),
    ]

    def has_request_override_permission(
        self, request: HttpRequest, object_id: object = None
    ) -> bool:
        return people.may_operate(people.person(request.user))

    @admin.display(description="calculation")
    def explanation(self, quote: Quote) -> str:
        path = services.quote_page_path(str(quote.quote_id))
        return format_html('<a href="{}">Line by line</a>', path)

    @button("Request another price", "request-override", "request_override")
    def request_override(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        quote = get_object_or_404(Quote, pk=object_id)
        form = OverrideForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                decision = services.request_override(
                    quote.pk,
                    amount=form.cleaned_data["amount"],
                    reason=form.cleaned_data["reason"],
                    actor=actor_of(request),
                    now=timezone.now(),
                )
            except InvalidValues as error:
                for each in error.problems:
                    form.add_error(each.path, each.message)
            else:
                path = reverse("admin:operations_decision_change", args=[decision])
                text = 'Requested. <a href="{}">The decision</a> waits for approval.'
                message = format_html(text, path)
                self.message_user(request, message, messages.SUCCESS)
                return redirect(change_url(quote))
        question = f"Which price should apply instead of {quote}? A person decides."
        title = "Request another price"
        return confirmation_page(self, request, quote, question, "Request", form=form, title=title)
