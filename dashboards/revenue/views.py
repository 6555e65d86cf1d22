"""The page of recurring revenue."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import COUNT, money
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.page_parts import EmptyState
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.charts import PageChart
from dashboards.listing import ListField, Listing
from dashboards.page_context import kept_parameters
from dashboards.period_choice import PARAMETERS, read_period
from dashboards.revenue import charts
from dashboards.tables import Column, Table
from dashboards.tiles import tiles
from revenue.customers import reports as customers
from revenue.customers.billing_interval import months_before
from revenue.mrr import reports as mrr
from revenue.mrr import retention
from revenue.mrr.reports import company_metrics
from security.access import reports as people

PRESETS, DEFAULT = ("6m", "12m", "24m", "60m"), "12m"
RETENTION_MONTHS = 12  # before the first month shown, for retention over a year
VIEWS = {"booked": mrr.BOOKED, "effective": mrr.EFFECTIVE}
TILES = (
    *("revenue.mrr", "revenue.arr", "revenue.paying_customers", "revenue.customer_churn"),
    *("revenue.net_retention", "revenue.gross_retention"),
    *("revenue.gross_mrr_churn", "revenue.quick_ratio"),
)


@viewer
def revenue(request: HttpRequest) -> HttpResponseBase:
    """MRR in one currency over a period, by the day of booking or that of effect."""
    now = timezone.now()
    period = read_period(request.GET, timezone.localdate(), PRESETS, DEFAULT)
    currency, problems = page_context.chosen_currency(request), list(period.problems)
    basis = request.GET.get("view", "booked")
    if basis not in VIEWS:
        problems.append(f"view is one of {', '.join(VIEWS)}, not {basis[:20]!r}.")
        basis = "booked"
    query = MetricQuery(period.period, currency, now)
    shown = _shown(request, query, VIEWS[basis])
    return page_context.render_page(
        request,
        "revenue",
        "MRR",
        _tables(shown.values()),
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=problems,
        currency=currency,
        currencies=mrr.currencies(),
        basis=basis,
        tiles=tiles(measure(TILES, query, period.compared), period.compared_text) if shown else [],
        empty=_empty(request, currency),
        **shown,
    )


def _tables(shown: Any) -> list[Table | Listing]:
    tables = (each.table if isinstance(each, PageChart) else each for each in shown)
    return [each for each in tables if isinstance(each, Table | Listing)]


def _shown(request: HttpRequest, query: MetricQuery, basis: str) -> dict[str, Any]:
    """The charts and tables; nothing where the ledger had no row by the end of the period."""
    currency, last = query.currency, query.period.last
    begin = months_before(query.period.first, RETENTION_MONTHS)
    longer = company_metrics.months(query, basis).bridge(begin, last)
    bridges = charts.from_first_month(longer[RETENTION_MONTHS:])
    if not bridges:
        return {}
    deltas, first = company_metrics.deltas(query, basis), bridges[0].starts_on
    retained = {} if deltas is None else retention.span_retention(longer, deltas)
    split = request.GET.get("by") == "segment"  # slow where the roll-ups are not valid
    parts = mrr.bridges_by_segment(currency, first, last, basis=basis) if split else {}
    opens = access.may_open(request, reverse("admin:revenue_customer_changelist"))
    return {
        "trend": charts.trend(bridges, currency, last),
        "movements": charts.movements(bridges, currency, last, retained),
        "bridge": charts.bridge(bridges, currency),
        "plans": charts.plans(customers.mrr_by_plan(currency), currency),
        "segments": charts.segments(parts, currency),
        "split": split,
        "customers": customer_listing(request.GET.dict(), currency, opens=opens),
    }


def customer_listing(given: Mapping[str, str], currency: str, *, opens: bool) -> Listing:
    """Every paying customer, the highest MRR first."""
    fields = (
        ListField("name", Column("Customer"), search=True),
        ListField("external_id", Column("Id", csv_only=True), search=True),
        ListField("segment", Column("Segment"), filter=True),
        ListField("owner", Column("Owner")),
        ListField("since", Column("Since")),
        ListField("running", Column("Subscriptions", COUNT), total=True),
        ListField("mrr", Column("MRR", money(currency)), total=True),
    )
    return Listing(
        "customers",
        "Paying customers now",
        fields,
        customers.paying_customers(currency),
        given,
        order="-mrr",
        choices_of=customers.customers_in(currency),
        path=reverse("admin:revenue_customer_change", args=["0"]).replace("/0/", "/{pk}/")
        if opens
        else "",
        noun="customer",
        totals=lambda: customers.paying_totals(currency),
    )


def _empty(request: HttpRequest, currency: str) -> EmptyState:
    """How the page is filled; staff get the link."""
    link = reverse("admin:revenue_subscription_import_csv") if _may_import(request) else ""
    return EmptyState(
        f"No subscription in {currency} until then",
        "MRR is calculated from customers and their subscriptions. Import them in the admin, or"
        " with this command:",
        link,
        "Import subscriptions",
        "./manage.py import_data subscriptions FILE",
    )


def _may_import(request: HttpRequest) -> bool:
    person = people.person(request.user)
    return bool(person and person.is_staff and person.has_perm("revenue.add_subscription"))
