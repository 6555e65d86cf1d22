"""Buttons on admin pages, and the page that asks before something is done."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action

View = TypeVar("View", bound=Callable[..., HttpResponse])


def button(description: str, path: str, permission: str) -> Callable[[View], View]:
    """A button above a list or on a row's page, where has_<permission>_permission is True."""
    decorate: Callable[[View], View] = action(
        description=description, permissions=[permission], url_path=path
    )
    return decorate


def change_url(row: Model) -> str:
    """The path of a row's page in the admin."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])  # noqa: SLF001 - a documented name of Django's


def list_url(model_admin: ModelAdmin) -> str:
    """The path of the list of rows in the admin."""
    opts = model_admin.opts
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")


def confirmation_page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    row: Model | None,
    question: str,
    verb: str,
    **more: Any,
) -> HttpResponse:
    """A page with a question and one button, which posts to the same address; `row` or the list."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": str(row),
        "opts": model_admin.opts,
        "question": question,
        "verb": verb,
        "back": change_url(row) if row else list_url(model_admin),
        **more,
    }
    return TemplateResponse(request, "admin/confirm_action.html", context)
