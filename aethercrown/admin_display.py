"""Amounts, times and yes or no in the admin's lists and read-only fields, by the one formatter.

The theme formats a field's value without its row, which has the currency; so the theme's look-up of
a value is wrapped here. It returns text where we format it, as for a column that is a method.
"""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.utils import lookup_field as original_lookup
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.utils.html import format_html
from unfold import fields as detail
from unfold.templatetags import unfold_list

from aethercrown.formatting import MISSING, value_text, yes_no
from aethercrown.text import sentence_case

NO_AMOUNTS = {"rate", "percent"}  # decimals that are none, of rows that have a currency
original_context = RelatedFieldWidgetWrapper.get_context


def install() -> None:
    """Make the theme and Django's forms use the functions below."""
    for owner, name, ours in (
        (unfold_list, "lookup_field", lookup_field),
        (detail, "lookup_field", lookup_field),
        (forms.DecimalField, "prepare_value", input_value),
        (RelatedFieldWidgetWrapper, "get_context", related_context),
    ):
        setattr(owner, name, ours)


def related_context(widget: Any, name: str, value: Any, attrs: Any) -> dict[str, Any]:
    """Like Django's, without the link that deletes the chosen row.

    The link is made before a row is chosen, so it would answer 403 for those that stay.
    """
    context = original_context(widget, name, value, attrs)
    return {**context, "can_delete_related": False}


def input_value(_field: forms.DecimalField, value: Any) -> Any:
    """A stored decimal as it is typed: 499 or 1634.70, without the zeros of its column."""
    if not isinstance(value, Decimal) or not value.is_finite():
        return value
    whole, _, digits = f"{value:f}".partition(".")
    digits = digits.rstrip("0")
    return f"{whole}.{digits:0<2}" if digits else whole


def lookup_field(name: Any, row: Any, model_admin: Any = None) -> tuple[Any, Any, Any]:
    """Like Django's, with the value of a field formatted as text where we have a form for it."""
    field, attribute, value = original_lookup(name, row, model_admin)
    if field is None or field.auto_created or field.remote_field:
        return field, attribute, value
    if field.flatchoices:
        label = dict(field.flatchoices).get(value) if value else ""
        is_bare = label in {None, "", "none"}
        return (field, attribute, value) if is_bare else (None, field, sentence_case(f"{label}"))
    text = field_text(value, field, row)
    return (field, attribute, value) if text is None else (None, field, text)


def field_text(value: Any, field: "models.Field[Any, Any]", row: Any) -> str | None:
    """The value as people read it; None where the theme's own form is right."""
    if isinstance(field, models.BooleanField):
        return yes_no(value)
    if value is None or value == "":
        return MISSING
    currency = "" if field.name in NO_AMOUNTS else getattr(row, "currency", "")
    text = value_text(value, currency)
    if text is None or hasattr(value, "year"):
        return text
    return format_html('<span class="figure-cell">{}</span>', text)
