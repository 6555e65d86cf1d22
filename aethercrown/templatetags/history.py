"""The history of a row, for the admin's page of that name, and who did something."""

from django import template

from aethercrown.history import attribution, display

register = template.Library()
register.simple_tag(display.changes, name="changes_of")
register.filter("shown_actor", attribution.shown_actor)
