"""What every page has: the navigation bar, breadcrumbs, CSV downloads and a period."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from aethercrown.csv.export import csv_response
from dashboards.tables import Table

PAGES = (
    ("/", "Overview"),
    ("/dashboards/budget", "Budget"),
    ("/dashboards/revenue", "Revenue"),
    ("/dashboards/pricing", "Pricing"),
    ("/dashboards/upsell", "Upsell"),
    ("/dashboards/scheduling", "Tasks"),
    ("/dashboards/decisions", "Decisions"),
    ("/dashboards/alerts", "Alerts"),
    ("/dashboards/health", "Health"),
    ("/dashboards/keys", "Keys"),
)


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """A link to a page above this one; the last has no path."""

    title: str
    path: str = ""


def nav_links(path: str) -> list[dict[str, Any]]:
    """The links of the navigation bar; that of the page at `path` is marked as current."""
    return [
        {"path": each, "title": title, "current": f"{path}/".startswith(f"{each}/")}
        for each, title in PAGES
    ]


def render_page(
    request: HttpRequest, template: str, trail: Iterable[Breadcrumb] = (), **context: Any
) -> HttpResponseBase:
    """Render a template with the navigation bar and `trail` as breadcrumbs."""
    frame = {"nav_links": nav_links(request.path), "breadcrumbs": list(trail)}
    return render(request, template, {**frame, "read_at": timezone.now(), **context})


def csv_download(
    request: HttpRequest, name: str, tables: Iterable[Table]
) -> HttpResponseBase | None:
    """The table that ?format=csv&table=... asks for; None where a page is asked for."""
    wanted = request.GET.get("format", "html")
    if wanted == "html":
        return None
    if wanted != "csv":
        raise BadRequest(f"A page comes as html or csv, not as {wanted!r}.")
    found = list(tables)
    key = request.GET.get("table") or (found[0].key if found else "")
    for table in found:
        if table.key == key:
            return csv_response(f"{name}-{key}", table.header, table.rows)
    raise Http404(f"There is no table {key!r} here.")


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
