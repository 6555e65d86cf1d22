"""Who may press buttons, and the form that asks why."""

from django import forms
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from aethercrown.admin_actions import note_field
from security.access import reports as people


class OnboardingOperatorAdmin(ModelAdmin):
    """Buttons on it need the permission to operate."""

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))


class ReasonForm(forms.Form):
    note = note_field(300)
