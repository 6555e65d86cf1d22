"""The form that asks why a button is pressed."""

from django import forms

from aethercrown.admin_actions import note_field


class ReasonForm(forms.Form):
    note = note_field(300)
