"""The page of recurring revenue."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from dashboards import page_context
from dashboards.access import viewer
from dashboards.charts import PageChart
from dashboards.revenue import charts
from dashboards.tables import Table
from revenue.customers import reports as customers
from revenue.customers.billing_interval import months_before
from revenue.mrr import reports as mrr
from revenue.mrr import retention
from revenue.mrr.bridge import Bridge
from security.access import reports as people

MONTHS = (6, 12, 24, 60)
DEFAULT_MONTHS = 12
TOP_CUSTOMERS = 20  # customers
RETENTION_MONTHS = 12  # before the first month shown, for retention over a year
VIEWS = {"booked": mrr.BOOKED, "restated": mrr.EFFECTIVE}


@viewer
def revenue(request: HttpRequest) -> HttpResponseBase:
    """MRR in one currency, as booked or restated with facts recorded later."""
    months = page_context.chosen_period(request, MONTHS, DEFAULT_MONTHS, "months")
    currency, basis = page_context.chosen_currency(request), _basis(request)
    today = timezone.localdate()
    first = months_before(today, months - 1)
    longer = mrr.bridge(currency, months_before(first, RETENTION_MONTHS), today, basis=VIEWS[basis])
    bridges = charts.from_first_month(longer[RETENTION_MONTHS:])
    shown = _shown(request, longer, bridges, currency, basis) if bridges else {}
    return page_context.render_page(
        request,
        "revenue",
        "Revenue",
        [
            each.table if isinstance(each, PageChart) else each
            for each in shown.values()
            if isinstance(each, PageChart | Table)
        ],
        currency=currency,
        currencies=mrr.currencies(),
        months=months,
        choices=MONTHS,
        basis=basis,
        **shown,
    )


def _shown(
    request: HttpRequest,
    longer: Sequence[Bridge],
    bridges: Sequence[Bridge],
    currency: str,
    basis: str,
) -> dict[str, Any]:
    today, first = timezone.localdate(), bridges[0].starts_on
    split = request.GET.get("by") == "segment"  # slow: it reads every movement's customer
    parts = mrr.bridges_by_segment(currency, first, today, basis=VIEWS[basis]) if split else {}
    deltas = mrr.retention_deltas(currency, VIEWS[basis])
    retained = {} if deltas is None else retention.span_retention(longer, deltas)
    paying = customers.top_customers(currency, TOP_CUSTOMERS)
    paths = [reverse("admin:revenue_customer_change", args=[each.pk]) for each in paying]
    person = people.person(request.user)
    opens = person and person.is_staff and person.has_perm("revenue.view_customer")
    return {
        "bridge": charts.bridge(bridges, currency, today, retained),
        "trend": charts.trend(bridges, currency, today),
        "headlines": charts.headlines(bridges, currency, today, retained),
        "plans": charts.plans(customers.mrr_by_plan(currency), currency),
        "segments": charts.segments(parts, currency),
        "split": split,
        "customers": charts.customers(paying, currency, paths if opens else []),
    }


def _basis(request: HttpRequest) -> str:
    asked = request.GET.get("view", "booked")
    if asked not in VIEWS:
        raise BadRequest(f"view is one of {', '.join(VIEWS)}, not {asked[:20]!r}.")
    return asked
