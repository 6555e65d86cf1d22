"""What every page has: breadcrumbs, CSV downloads and a currency."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from aethercrown.api.computations import held_while_read
from aethercrown.csv import export
from dashboards.listing import Listing
from dashboards.tables import Table


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """A link to a page above this one; the last has no path."""

    title: str
    path: str = ""


HOME = Breadcrumb("Overview", "/")
MAX_LIGHT_ROWS = 2_000  # of a download; a longer one counts against the budget of heavy work


def render_page(
    request: HttpRequest,
    name: str,
    title: str,
    tables: Sequence[Table | Listing],
    above: Iterable[Breadcrumb] = (),
    /,
    **context: Any,
) -> HttpResponseBase:
    """Render dashboards/<name>.html, or the table that ?format=csv&table=... asks for.

    The breadcrumbs are the overview, the pages `above` and `title`. With `problems`, of the page or
    of a listing, the status is 400; the page says them, and there is no CSV.
    """
    wanted = request.GET.get("format", "html")
    problems = list(context.get("problems", ()))
    for listing in (each for each in tables if isinstance(each, Listing)):
        problems += listing.problems
    if wanted == "csv":
        if problems:
            raise BadRequest(" ".join(problems))
        return _csv_download(request, name, tables)
    if wanted != "html":
        raise BadRequest(f"A page comes as html or csv, not as {wanted[:20]!r}.")
    trail = [HOME, *above, Breadcrumb(title)]
    response = render_template(request, name, breadcrumbs=trail, **context)
    if problems:
        response.status_code = 400
    return response


def render_template(request: HttpRequest, name: str, /, **context: Any) -> HttpResponse:
    """Render dashboards/<name>.html, which states when it was read."""
    return render(request, f"dashboards/{name}.html", {"read_at": timezone.now(), **context})


def kept_parameters(request: HttpRequest, *but: str) -> list[tuple[str, str]]:
    """The address's parameters without those of a form, which sends them itself."""
    return [(name, str(value)) for name, value in request.GET.items() if name not in but]


def _csv_download(
    request: HttpRequest, name: str, tables: Sequence[Table | Listing]
) -> HttpResponseBase:
    """The table that is asked for, or the first; every row of a listing."""
    key = request.GET.get("table", "")
    for table in tables:
        if table.key == key or not key:
            rows: Iterable[Sequence[Any]] = table.csv_rows() if isinstance(table, Table) else ()
            if isinstance(table, Listing):
                rows = table.all_rows()
                if table.count > MAX_LIGHT_ROWS:
                    rows = held_while_read(request, rows)
            export.note("page", f"{name}-{table.key}")
            return export.csv_response(f"{name}-{table.key}", table.header, rows)
    raise Http404(f"There is no table {key!r} here.")


def chosen_currency(request: HttpRequest) -> str:
    """The currency in the address, by default the installation's."""
    asked = request.GET.get("currency", settings.DEFAULT_CURRENCY)
    if not re.fullmatch("[A-Z]{3}", asked):
        raise BadRequest(f"currency is an ISO 4217 code such as USD, not {asked[:20]!r}.")
    return str(asked)
