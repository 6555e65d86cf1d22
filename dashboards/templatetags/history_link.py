"""The address of a row's history, for people who may see it."""

from typing import Any

from django import template
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from dashboards import access

register = template.Library()


def view_permission(row: Model) -> str:
    meta: Any = row._meta  # noqa: SLF001 - a documented name of Django's
    return f"{meta.app_label}.view_{meta.model_name}"


@register.filter
def history_path(request: HttpRequest, row: Model) -> str:
    """Empty for whom it would not open: {% with path=request|history_path:row %}."""
    meta: Any = row._meta  # noqa: SLF001 - a documented name of Django's
    if not access.holds(request, view_permission(row)):
        return ""
    return reverse("history", args=[meta.app_label, meta.model_name, row.pk])
