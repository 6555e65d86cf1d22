"""Buttons on admin pages, and the page that asks before something is done."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from aethercrown.history.attribution import actor_of
from aethercrown.page_parts import Confirmation
from aethercrown.transitions import InvalidTransition

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


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
    *,
    form: Iterable[Any] = (),
    amounts: Sequence[tuple[str, str]] = (),
    failed: Sequence[str] = (),
    fields: Mapping[str, str | Sequence[str]] | None = None,
    **more: Any,
) -> HttpResponse:
    """A page with a question and one button, which posts to the same address; `row` or the list.

    It repeats the `amounts` and the guardrails that `failed`, and posts the `fields`.
    """
    back = change_url(row) if row else list_url(model_admin)
    asked = Confirmation(
        question, verb, request.path, back, amounts, failed, fields or {}, form=form
    )
    context = {
        **model_admin.admin_site.each_context(request),
        "title": str(row) if row else verb,
        "opts": model_admin.opts,
        "confirmation": asked,
        **more,
    }
    return TemplateResponse(request, "admin/confirm_action.html", context)


def note_field(max_length: int) -> forms.CharField:
    """Where staff may write why they do something."""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(
        required=False, max_length=max_length, widget=widget, help_text="Why; optional."
    )


def nothing(_row: Any) -> Sequence[Any]:
    return ()


@dataclass(frozen=True, slots=True)
class RowAction:
    """What staff can do with a row: `act(row, actor, form values)` returns "Resolved" or such.

    The question has {} where the row is named; the form has a note. The page repeats the `amounts`
    of the row, and its guardrails that `failed`.
    """

    verb: str
    question: str
    act: Callable[[Any, str, Mapping[str, Any]], str]
    form: type[forms.Form]
    amounts: Callable[[Any], Sequence[tuple[str, str]]] = nothing
    failed: Callable[[Any], Sequence[str]] = nothing


class RowActionAdmin(ModelAdmin):
    """Confirms and performs row actions; `refusals` are shown to the person as `refusal_text`."""

    refusals: tuple[type[Exception], ...] = (InvalidTransition,)
    refusal_text = "{error}"

    def confirm(self, request: HttpRequest, object_id: str, action: RowAction) -> HttpResponse:
        """Ask for a note and a confirmation, then act; a GET changes nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = action.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            self.act(request, row, action, form.cleaned_data)
            return redirect(change_url(row))
        question = action.question.format(row)
        return confirmation_page(
            self, request, row, question, action.verb,
            form=form, amounts=action.amounts(row), failed=action.failed(row),
        )  # fmt: skip

    def act_on_each(self, request: HttpRequest, rows: QuerySet[Any], action: RowAction) -> None:
        for row in rows.order_by("pk"):
            self.act(request, row, action, {"note": ""})

    def act(
        self, request: HttpRequest, row: Model, action: RowAction, given: Mapping[str, Any]
    ) -> None:
        """Do it in the person's name, and show how it went."""
        try:
            done = action.act(row, actor_of(request), given)
        except self.refusals as error:
            text = self.refusal_text.format(row=row, error=error)
            self.message_user(request, text, messages.ERROR)
        else:
            self.log_change(request, row, f"{done}. {given['note']}".strip())
            self.message_user(request, f"{done}: {row}.")


def row_button(
    name: str, action: RowAction, permission: str = "operate"
) -> Callable[..., HttpResponse]:
    """A button of a RowActionAdmin for one action; `name` is that of the attribute it becomes."""

    def press(model_admin: RowActionAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
        return model_admin.confirm(request, object_id, action)

    press.__name__ = name
    return button(action.verb, name.replace("_", "-"), permission)(press)
