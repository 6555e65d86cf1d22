"""Buttons on admin pages, and the page that asks before something is done."""

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action

View = Callable[[Any, HttpRequest, str], HttpResponse]


def row_button(description: str, path: str, permission: str) -> Callable[[View], View]:
    """A button on the page of one row, for those for whom has_<permission>_permission is True."""
    decorate: Callable[[View], View] = action(
        description=description, permissions=[permission], url_path=path
    )
    return decorate


def change_url(row: Model) -> str:
    """The path of a row's page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])  # noqa: SLF001 - a documented name of Django's


def confirmation_page(
    model_admin: ModelAdmin, request: HttpRequest, row: Model, question: str, verb: str, **more: Any
) -> HttpResponse:
    """A page with a question and one button, which posts to the same address."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": str(row),
        "opts": model_admin.opts,
        "question": question,
        "verb": verb,
        "back": change_url(row),
        **more,
    }
    return TemplateResponse(request, "admin/confirm_action.html", context)
