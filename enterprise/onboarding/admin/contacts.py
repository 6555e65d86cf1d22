"""Contacts of a customer: their link is mailed, revoked, or ends as they leave."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.history.attribution import acting, actor_of
from enterprise.onboarding.models import OnboardingContact
from enterprise.onboarding.services import contacts, reminders
from enterprise.sla.admin import OperatorAdmin

CONTACT_FIELDS = ["name", "email", "role", "zone"]


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    class Meta:
        model = OnboardingContact
        fields = CONTACT_FIELDS

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).strip().lower()
        rows = OnboardingContact.objects.filter(flow=self.instance.flow_id, email=email)
        if self.instance.pk and rows.filter(left_at=None).exclude(pk=self.instance.pk).exists():
            raise ValidationError("Another contact of this onboarding has this address.")
        return email


@admin.register(OnboardingContact)
class OnboardingContactAdmin(OperatorAdmin):
    list_display = ["name", "flow", "email", "role", "zone", "left_at"]
    list_filter = ["role"]
    list_select_related = ["flow"]
    search_fields = ["name", "email", "flow__company_name"]
    form = ContactForm
    readonly_fields = ["flow", "link", "left_at"]
    actions_detail = ["send_link", "revoke", "leave"]

    def get_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        """Whoever has the link acts as the contact: only operators see it."""
        shown = ["flow", "name", "email", "role", "zone", "link", "left_at"]
        return shown if self.has_operate_permission(request) else [*shown[:5], "left_at"]

    def save_model(
        self, request: HttpRequest, obj: OnboardingContact, form: Any, change: Any
    ) -> None:
        given = {name: form.cleaned_data[name] for name in CONTACT_FIELDS}
        with acting(actor_of(request)):
            contacts.change(obj.pk, **given)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="Link to the status page")
    def link(self, contact: OnboardingContact) -> str:
        return "ended" if contact.left_at else contacts.path(contact)

    @button("Mail the link", "send-link", "operate")
    def send_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(OnboardingContact, pk=object_id)
        if request.method != "POST":
            return confirmation_page(self, request, row, f"Mail {row} the link?", "Mail the link")
        if reminders.send_link(row.pk, timezone.now()):
            self.message_user(request, f"Written: the link for {row}.")
        else:
            why = "Not written: PUBLIC_URL is not set, or the contact has left."
            self.message_user(request, why, messages.ERROR)
        return redirect(change_url(row))

    @button("Revoke the link", "revoke", "operate")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "End the link of {}? The new one stands on this page."
        return self._step(request, object_id, "Revoke the link", question, contacts.revoke_link)

    @button("Has left", "leave", "operate")
    def leave(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Has {} left? The link ends, and what waits for this person waits for the owner."
        return self._step(request, object_id, "Has left", question, leave)

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        verb: str,
        question: str,
        service: Callable[[int], OnboardingContact],
    ) -> HttpResponse:
        row = get_object_or_404(OnboardingContact, pk=object_id)
        if request.method != "POST":
            return confirmation_page(self, request, row, question.format(row), verb)
        with acting(actor_of(request)):
            service(row.pk)
        self.message_user(request, f"{verb}: {row}.")
        return redirect(change_url(row))


def leave(contact_id: int) -> OnboardingContact:
    return contacts.leave(contact_id, timezone.now())
