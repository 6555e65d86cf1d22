"""Lists by cursor: right while rows are added, and a late page is as fast as the first."""

from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.core.exceptions import ValidationError as WrongValue
from django.db import DataError
from django.db.models import Model
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from aethercrown.failures import Invalid


class Pages(CursorPagination):
    """`?cursor=`, `?limit=` up to 500; `next` and `previous` stand beside the view's `list_name`.

    The view's `ordering` must end in a field without ties, or pages would lose rows.
    """

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500
    list_name = "results"

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        whole = text.isascii() and text.isdigit() and len(text) <= 4
        if whole and 1 <= int(text) <= self.max_page_size:
            return int(text)
        message = f"must be a whole number from 1 to {self.max_page_size}"
        raise Invalid([(self.page_size_query_param, "invalid", message)])

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        named = getattr(view, "ordering", None) or ()
        ordering = (named,) if isinstance(named, str) else tuple(named)
        if not ordering or not is_unique(queryset.model, ordering[-1].lstrip("-")):
            raise ImproperlyConfigured(f"{view} needs an ordering that ends in a unique field.")
        return ordering

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any] | None:
        self.list_name = getattr(view, "list_name", self.list_name)
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, WrongValue, DataError, ValueError, TypeError) as error:
            if not request.query_params.get(self.cursor_query_param):
                raise
            message = "is not a cursor of this list"
            raise Invalid([(self.cursor_query_param, "invalid", message)]) from error

    def get_paginated_response(self, data: Any) -> Response:
        page = {
            self.list_name: data,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
        }
        title = self.list_name.replace("_", " ")
        return Response({"success": True, "message": f"{len(data)} {title}", "data": page})


def is_unique(model: type[Model], name: str) -> bool:
    if name == "pk":
        return True
    try:
        return bool(getattr(model._meta.get_field(name), "unique", False))  # noqa: SLF001 - Django's own public name
    except FieldDoesNotExist:
        return False
