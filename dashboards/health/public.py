"""The status page that everybody with its signed address may see; 404 while it is off."""

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboards.health.views import PERCENT
from dashboards.tables import Column, Table
from operations.health.reports import status_page
from operations.health.reports.status_page import PublishedComponent

MAX_AGE_SECONDS = 30  # for which a cache may keep the page
CSS_CLASSES = {status_page.FAILS: "bad", status_page.SLOW: "warn", status_page.WORKS: "good"}


@require_safe
def status(request: HttpRequest, signature: str) -> HttpResponse:
    """What staff publish: names, whether each works, availability and outages."""
    if not status_page.is_open(signature):
        raise Http404("There is no such page.")
    now = timezone.now()
    found = status_page.published(now)
    worst = found[0].status if found else ""
    shown = {
        "components": component_table(found),
        "summary": status_page.summary(found),
        "css_class": CSS_CLASSES.get(worst, ""),
        "outages": status_page.outages(now),
        "read_at": now,
    }
    response = render(request, "dashboards/public_status.html", shown)
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def component_table(found: Sequence[PublishedComponent]) -> Table:
    columns = (
        Column("Component"),
        Column("Now"),
        Column("Since"),
        Column("Available, 24 h", PERCENT),
        Column("Available, 90 days", PERCENT),
    )
    rows = [(each.name, each.status, each.since, each.day, each.quarter) for each in found]
    return Table("components", "Components", columns, rows)
