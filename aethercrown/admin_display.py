"""Amounts, times and yes or no in the admin's lists and read-only fields, by the one formatter.

The theme formats a field's value without its row, which has the currency; so the theme's look-up of
a value is wrapped here. It returns text where we format it, as for a column that is a method.
"""

from typing import Any

from django.contrib.admin.utils import lookup_field as original_lookup
from django.db import models
from django.utils.html import format_html
from unfold import fields as detail
from unfold.templatetags import unfold_list

from aethercrown.formatting import MISSING, value_text, yes_no


def install() -> None:
    """Make lists and read-only fields of the theme use `lookup_field` below."""
    for module in (unfold_list, detail):
        module.lookup_field = lookup_field


def lookup_field(name: Any, row: Any, model_admin: Any = None) -> tuple[Any, Any, Any]:
    """Like Django's, with the value of a field formatted as text where we have a form for it."""
    field, attribute, value = original_lookup(name, row, model_admin)
    if field is None or field.auto_created or field.remote_field or field.flatchoices:
        return field, attribute, value
    text = field_text(value, field, row)
    return (field, attribute, value) if text is None else (None, field, text)


def field_text(value: Any, field: "models.Field[Any, Any]", row: Any) -> str | None:
    """The value as people read it; None where the theme's own form is right."""
    if isinstance(field, models.BooleanField):
        return yes_no(value)
    if value is None or value == "":
        return MISSING
    text = value_text(value, getattr(row, "currency", ""))
    if text is None or hasattr(value, "year"):
        return text
    return format_html('<span class="figure-cell">{}</span>', text)
