"""The living page of the kit."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.formatting import COUNT
from aethercrown.page_parts import EmptyState
from dashboards import page_context
from dashboards.access import viewer
from dashboards.kit import samples
from dashboards.listing import ListField, Listing
from dashboards.page_context import kept_parameters
from dashboards.period_choice import PARAMETERS, read_period
from dashboards.tables import Column
from operations.automations import reports as automations

PRESETS, DEFAULT = ("30d", "12m"), "30d"


@viewer
def kit(request: HttpRequest) -> HttpResponseBase:
    """Every part with made-up figures; the list alone has real rows."""
    if not request.user.is_staff:
        raise PermissionDenied
    period = read_period(request.GET, timezone.localdate(), PRESETS, DEFAULT)
    charts, listing = samples.sample_charts(), sample_listing(request)
    parts = samples.sample_parts()
    return page_context.render_page(
        request,
        "kit",
        "Kit",
        [listing, *(each.table for each in charts)],
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        tiles=samples.sample_tiles(),
        charts=charts,
        listing=listing,
        listing_empty=EmptyState("No automation yet", "Run ./manage.py migrate."),
        **parts,
    )


def sample_listing(request: HttpRequest) -> Listing:
    """The automations, since every installation has them."""
    fields = (
        ListField("title", Column("Automation"), search=True),
        ListField("mode", Column("Mode"), filter=True),
        ListField("zone", Column("Time zone")),
        ListField("applied_per_day", Column("Most applied in a day", COUNT), total=True),
    )
    rows = automations.automations()
    given = request.GET.dict()
    return Listing("rows", "Table of many rows", fields, rows, given, order="title")
