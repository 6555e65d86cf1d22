"""What every page has: breadcrumbs, CSV downloads, a period and a currency."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from aethercrown.csv.export import csv_response
from dashboards.tables import Table


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """A link to a page above this one; the last has no path."""

    title: str
    path: str = ""


HOME = Breadcrumb("Overview", "/")


def render_page(
    request: HttpRequest,
    name: str,
    title: str,
    tables: Sequence[Table],
    above: Iterable[Breadcrumb] = (),
    /,
    **context: Any,
) -> HttpResponseBase:
    """Render dashboards/<name>.html, or the table that ?format=csv&table=... asks for.

    The breadcrumbs are the overview, the pages `above` and `title`.
    """
    wanted = request.GET.get("format", "html")
    if wanted == "csv":
        return _csv_download(name, tables, request.GET.get("table", ""))
    if wanted != "html":
        raise BadRequest(f"A page comes as html or csv, not as {wanted!r}.")
    trail = [HOME, *above, Breadcrumb(title)]
    return render_template(request, name, breadcrumbs=trail, **context)


def render_template(request: HttpRequest, name: str, /, **context: Any) -> HttpResponseBase:
    """Render dashboards/<name>.html, which states when it was read."""
    return render(request, f"dashboards/{name}.html", {"read_at": timezone.now(), **context})


def _csv_download(name: str, tables: Sequence[Table], key: str) -> HttpResponseBase:
    """The table of that key, or the first without one."""
    for table in tables:
        if table.key == key or not key:
            return csv_response(f"{name}-{table.key}", table.header, table.rows)
    raise Http404(f"There is no table {key!r} here.")


def chosen_currency(request: HttpRequest) -> str:
    """The currency in the address, by default the installation's."""
    asked = request.GET.get("currency", settings.DEFAULT_CURRENCY)
    if not re.fullmatch("[A-Z]{3}", asked):
        raise BadRequest(f"currency is an ISO 4217 code such as USD, not {asked[:20]!r}.")
    return str(asked)


def chosen_period(
    request: HttpRequest, choices: tuple[int, ...], default: int, unit: str = "weeks"
) -> int:
    """The number of weeks in the address, which a link can hold; one of `choices`."""
    asked = request.GET.get(unit)
    if asked is None:
        return default
    if not (asked.isascii() and asked.isdigit() and int(asked[:6]) in choices):
        listed = ", ".join(map(str, choices))
        raise BadRequest(f"{unit} is one of {listed}, not {asked[:20]!r}.")
    return int(asked)
