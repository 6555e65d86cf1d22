"""The history of a row, for the admin's page of that name."""

from django import template

from aethercrown.history import display

register = template.Library()
register.simple_tag(display.changes, name="changes_of")
