"""Addresses outside with consent and suppression, sending rules, and texts of mail."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from operations.messaging import reports, services
from operations.messaging.models import MailTemplateVersion, RecipientAddress, SendingRule
from operations.messaging.outside.mail_kinds import mail_kinds

MAY_OPERATE = "security.operate"


class OperatedAdmin(ModelAdmin):
    """Buttons for people who may operate."""

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))


class AddressForm(forms.Form):
    address = forms.EmailField(widget=UnfoldAdminEmailInputWidget())


@admin.register(RecipientAddress)
class RecipientAddressAdmin(ReadOnlyAdmin, OperatedAdmin):
    list_display = [
        *("__str__", "consent", "consent_at", "suppression", "suppression_reason"),
        "suppressed_at",
    ]
    list_filter = ["consent", "suppression", "suppression_reason"]
    search_fields = ["address_hash"]
    search_help_text = "A whole e-mail address; addresses are stored as hashes only."
    actions_list = ["suppress"]
    actions_detail = ["allow_again"]
    fields = [
        *("consent", "consent_at", "consent_source"),
        *("suppression", "suppression_reason", "suppressed_at"),
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RecipientAddress], search_term: str
    ) -> tuple[QuerySet[RecipientAddress], bool]:
        if not search_term:
            return queryset, False
        return queryset.filter(address_hash=services.address_hash(search_term)), False

    @button("Suppress an address", "suppress", "operate")
    def suppress(self, request: HttpRequest) -> HttpResponse:
        form = AddressForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            question = "Which address is sent nothing any more, not even invoices?"
            return confirmation_page(self, request, None, question, "Suppress", form=form)
        found = services.recipient(form.cleaned_data["address"])
        reason = RecipientAddress.SuppressionReason.BY_STAFF
        row = services.suppress(found.pk, reason=reason, now=timezone.now())
        self.log_change(request, row, "Suppressed.")
        return redirect(change_url(row))

    @button("Send to it again", "allow-again", "operate")
    def allow_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(RecipientAddress, pk=object_id)
        if request.method != "POST":
            question = "Send to this address again? Who unsubscribed gets no marketing mail still."
            return confirmation_page(self, request, row, question, "Send to it again")
        try:
            services.allow_again(row.pk, now=timezone.now())
        except InvalidTransition as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, row, "Allowed again.")
        return redirect(change_url(row))


@admin.register(SendingRule)
class SendingRuleAdmin(ModelAdmin):
    list_display = [
        *("purpose", "needs_consent", "quiet_from", "quiet_until"),
        *("most_a_day", "most_a_week", "longest_wait_hours"),
    ]
    readonly_fields = ["purpose"]
    fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def is_published(row: MailTemplateVersion | None) -> bool:
    return row is not None and row.state == MailTemplateVersion.State.PUBLISHED


class MailTemplateForm(forms.ModelForm[MailTemplateVersion]):
    """A draft; its fields are those that the kind declares."""

    kind = forms.ChoiceField(
        choices=lambda: [(each.name, each.title) for each in mail_kinds],
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = MailTemplateVersion
        fields = ["kind", "locale", "subject", "text"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.instance.pk:
            self.fields.pop("kind", None)  # of a stored one it is only shown

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's hook after the fields
        if not self.errors:
            try:
                services.check_template(self.instance)
            except forms.ValidationError as error:
                self._update_errors(error)  # type: ignore[attr-defined]  # the same


@admin.register(MailTemplateVersion)
class MailTemplateVersionAdmin(OperatedAdmin):
    form = MailTemplateForm
    list_display = ["kind", "locale", "number", "subject", "state", "published_at"]
    list_filter = ["kind", "locale", "state"]
    actions_detail = ["publish"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        known = ["declared"] if obj else []
        stored = ["number", "state", "published_at"] if obj else []
        return [
            (None, {"fields": ["kind", "locale", "subject", "text", *known]}),
            *([("Version", {"fields": stored})] if stored else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Of a draft, kind and locale stay."""
        stored = ["kind", "locale"] if obj else []
        return ["declared", "number", "state", "published_at", *stored]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A published version never changes."""
        return not is_published(obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not is_published(obj) and bool(super().has_delete_permission(request, obj))

    @admin.display(description="fields that it may have")
    def declared(self, row: MailTemplateVersion) -> str:
        fields = reports.declared_fields(row.kind)
        return format_html_join("", "<div>{{{{ {} }}}}: {}</div>", fields.items()) or "unknown kind"

    def save_model(self, request: HttpRequest, obj: Any, form: object, change: object) -> None:
        services.save_draft(obj)

    @button("Publish", "publish", "operate")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(MailTemplateVersion, pk=object_id)
        if request.method != "POST":
            question = f"Write every further mail of this kind with {row}?"
            return confirmation_page(self, request, row, question, "Publish")
        try:
            services.publish(row.pk, now=timezone.now())
        except (InvalidTransition, forms.ValidationError) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, row, "Published.")
        return redirect(change_url(row))
