"""Cursor pagination: stable while rows are added, and late pages are as fast as the first.

A cursor holds the values of the ordering's fields in the last row of the page before. (DRF's own
stores only the first field and an offset, and loses rows with ties when going back.)
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db.models import Field, Model, Q
from django.http import HttpResponse
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from aethercrown.api.errors import InvalidRequest

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
MAX_CURSOR_LENGTH = 2_000
MAX_STORED_INTEGER = 2**63 - 1


class OrderField(NamedTuple):
    """One field of an ordering."""

    field: "Field[Any, Any]"
    descending: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position after the row with these values, or with `back` before it."""

    back: bool
    values: tuple[str, ...]

    def __str__(self) -> str:
        text = json.dumps([self.back, *self.values], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")


class Pages(BasePagination):
    """`?cursor=`, `?limit=` up to 500; `next` and `previous` are beside the view's `list_name`.

    The view's `ordering` must end in a unique field and hold no nullable one. One query a page.
    """

    list_name = "results"
    title = "row"
    next: str | None = None
    previous: str | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.read(request, view, queryset.model)
        if self.cursor is not None:
            queryset = queryset.filter(rows_after(self.steps, self.cursor))
        names = [
            f"{'-' * (each.descending != self.back)}{each.field.attname}" for each in self.steps
        ]
        return self.cut(list(queryset.order_by(*names)[: self.limit + 1]))

    def read(self, request: Request, view: APIView | None, model: type[Model]) -> None:
        """Read limit and cursor from the query string."""
        self.request = request
        self.list_name = getattr(view, "list_name", self.list_name)
        self.title = getattr(view, "title", self.title)
        self.steps = order_fields(model, getattr(view, "ordering", ()))
        self.limit = parse_limit(request.query_params.get("limit"))
        self.cursor = parse_cursor(request.query_params.get("cursor"), self.steps)
        self.back = self.cursor is not None and self.cursor.back

    def values(self) -> Any:
        """The ordering's values at the cursor, as a tuple; None without one.

        A number beyond what a database can bind is the largest that it can.
        """
        if self.cursor is None:
            return None
        pairs = zip(self.steps, self.cursor.values, strict=True)
        values = (step.field.to_python(text) for step, text in pairs)
        most = MAX_STORED_INTEGER
        return tuple(max(-most, min(v, most)) if isinstance(v, int) else v for v in values)

    def cut(self, rows: Sequence[Any]) -> list[Any]:
        """The page out of up to `limit` + 1 rows beyond the cursor; sets `next` and `previous`.

        A row needs the ordering's attributes. Rows that were read backwards are reversed.
        """
        more, page = len(rows) > self.limit, list(rows[: self.limit])
        if self.back:
            page.reverse()
        has_next, has_previous = more or self.back, more if self.back else self.cursor is not None
        here = self.request.build_absolute_uri() if page and (has_next or has_previous) else ""
        if page and has_next:
            after = cursor_at(self.steps, page[-1], back=False)
            self.next = replace_query_param(here, "cursor", str(after))
        if page and has_previous:
            before = cursor_at(self.steps, page[0], back=True)
            self.previous = replace_query_param(here, "cursor", str(before))
        return page

    def links(self) -> dict[str, str | None]:
        return {"next": self.next, "previous": self.previous}

    def get_paginated_response(self, data: Any) -> Response:
        page = {self.list_name: data, **self.links()}
        return Response({"success": True, "message": self.message(len(data)), "data": page})

    def get_json_response(self, rows: Sequence[str]) -> HttpResponse:
        """The same answer, of rows that are JSON texts already."""
        frame = compact({"success": True, "message": self.message(len(rows))})[:-1]
        links = compact(self.links())[1:]
        content = f'{frame},"data":{{"{self.list_name}":[{",".join(rows)}],{links}}}'
        return HttpResponse(content, content_type="application/json")

    def message(self, count: int) -> str:
        return f"{count} {self.title if count == 1 else self.list_name.replace('_', ' ')}"


def compact(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def order_fields(model: type[Model], named: str | Sequence[str]) -> list[OrderField]:
    """The ordering's fields; ImproperlyConfigured if rows could tie."""
    names = [named] if isinstance(named, str) else list(named)
    meta: Any = model._meta  # noqa: SLF001 - Django's public way to a model's fields
    try:
        fields = [
            meta.pk if name.lstrip("-") == "pk" else meta.get_field(name.lstrip("-"))
            for name in names
        ]
    except FieldDoesNotExist as error:
        raise ImproperlyConfigured(str(error)) from error
    if not fields or not fields[-1].unique or any(field.null for field in fields):
        raise ImproperlyConfigured(
            f"{model.__name__}: {names} must end in a unique field, and none may be null."
        )
    return [
        OrderField(field, name.startswith("-")) for field, name in zip(fields, names, strict=True)
    ]


def parse_limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidRequest([("limit", "invalid", f"must be a whole number from 1 to {MAX_LIMIT}")])


def parse_cursor(text: str | None, steps: Sequence[OrderField]) -> Cursor | None:
    """The caller's cursor. Raises InvalidRequest if it is not one of this list."""
    if not text:
        return None
    try:
        return decode_cursor(text[:MAX_CURSOR_LENGTH], steps)
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError) as error:
        raise InvalidRequest([("cursor", "invalid", "is not a cursor of this list")]) from error


def decode_cursor(text: str, steps: Sequence[OrderField]) -> Cursor:
    """Decode a cursor; raises various errors if it was not made here."""
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    back, *values = json.loads(urlsafe_b64decode(padded))
    if not isinstance(back, bool) or not all(isinstance(value, str) for value in values):
        raise TypeError(text)
    for step, value in zip(steps, values, strict=True):
        at = step.field.to_python(value)
        if isinstance(at, datetime):
            at.astimezone(UTC)  # OverflowError outside the years 1 to 9999
    return Cursor(back, tuple(values))


def cursor_at(steps: Sequence[OrderField], row: Any, *, back: bool) -> Cursor:
    return Cursor(back, tuple(step.field.value_to_string(row) for step in steps))


def rows_after(steps: Sequence[OrderField], cursor: Cursor) -> Q:
    """The rows after (or before) the cursor, compared field by field."""
    found, same = Q(), Q()
    for step, text in zip(steps, cursor.values, strict=True):
        name, value = step.field.attname, step.field.to_python(text)
        side = "lt" if step.descending != cursor.back else "gt"
        found |= same & Q(**{f"{name}__{side}": value})
        same &= Q(**{name: value})
    return found
