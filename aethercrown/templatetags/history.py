"""The history of a row, for the admin's page of that name."""

from django import template
from django.db.models import Model

from aethercrown.history import display

register = template.Library()


@register.simple_tag
def changes_of(row: Model) -> list[display.HistoryChange] | None:
    """The newest changes of a row; None for a table that is not tracked."""
    return display.changes(row)
