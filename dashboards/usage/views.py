"""Usage of all clients, and of one."""

from datetime import timedelta

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import PERCENT, counted
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.page_parts import EmptyState
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.listing import ListField, Listing
from dashboards.page_context import kept_parameters
from dashboards.period_choice import PARAMETERS, read_period
from dashboards.tables import Column
from dashboards.tiles import tiles
from dashboards.usage import tables
from dashboards.usage.tables import QUANTITY
from enterprise.usage.reports import clients, lag, overview

PRESETS, DEFAULT, MAX_DAYS = ("7d", "30d", "90d"), "30d", 366
USAGE = page_context.Breadcrumb("Usage", "/dashboards/usage")
TILES = (
    *("usage.events", "usage.near_limit", "usage.alerts"),
    *("usage.evaluation_lag", "usage.rollup_differences"),
)
MAX_CHARTS = 4  # metrics of a client that are drawn


@viewer
def usage(request: HttpRequest) -> HttpResponseBase:
    """Every client's metrics beside their limits, and how far intake is behind."""
    now = timezone.now()
    period = read_period(request.GET, now.date(), PRESETS, DEFAULT, max_days=MAX_DAYS)
    days, counts = overview.events_by_day(period.period)
    chart = tables.events_chart(days, counts)
    fresh = lag.freshness(now)
    receipt = tables.freshness_table(fresh.receipt)
    listed = metric_listing(request)
    query = MetricQuery(period.period, "", now)
    return page_context.render_page(
        request,
        "usage",
        "Usage",
        [listed, chart.table, receipt],
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        tiles=tiles(measure(TILES, query, period.compared), period.compared_text),
        chart=chart if any(counts) else None,
        listed=listed,
        none_listed=EmptyState(
            "No usage yet",
            "Send events or readings to /api/v1/enterprise/usage/track, or import a file:",
            command="./manage.py import_data usage-events events.csv",
        ),
        receipt=receipt if fresh.receipt else None,
        freshness=tables.freshness_sentences(fresh),
        unconfirmed=unconfirmed(request),
    )


def unconfirmed(request: HttpRequest) -> list[tuple[str, str, str]]:
    """Metrics that nobody has confirmed: name, clients, and the admin page where it opens."""
    path = reverse("admin:enterprise_usagemetric_changelist")
    opens = access.may_open(request, path)
    return [
        (
            str(metric),
            counted(clients, "client"),
            reverse("admin:enterprise_usagemetric_change", args=[metric.pk]) if opens else "",
        )
        for metric, clients in overview.unconfirmed_metrics()
    ]


def metric_listing(request: HttpRequest) -> Listing:
    """The metrics of all clients, those nearest to their limit first."""
    fields = (
        ListField("customer__name", Column("Client"), search=True),
        ListField("metric_name", Column("Metric"), search=True, filter=True),
        ListField("metric__code", Column("Metric id", csv_only=True), search=True),
        ListField("used", Column("Used in its period", QUANTITY)),
        ListField("limit", Column("Limit", QUANTITY)),
        ListField("percent", Column("Of limit", PERCENT)),
        ListField("last_at", Column("Last event")),
    )
    rows = overview.client_metrics()
    return Listing(
        "clients", "Clients and their limits", fields, rows, request.GET.dict(),
        order="-percent", path="/dashboards/usage/{customer_id}", noun="metric",
        choices_of=overview.listed_metrics(),
    )  # fmt: skip


@viewer
def client(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One client's metrics over a period, with trends, alerts and costs."""
    now = timezone.now()
    period = read_period(
        request.GET, now.date(), PRESETS, DEFAULT, max_days=MAX_DAYS, compares=False
    )
    try:
        use = clients.client_use(pk, max(1, (now.date() - period.period.first).days + 1), now)
    except ObjectDoesNotExist:
        raise Http404(f"There is no client number {pk}.") from None
    days = [period.period.first + timedelta(days=place) for place in range(period.period.days)]
    listed = tables.metrics_table(use.metrics)
    charts = [tables.metric_chart(each, days) for each in use.metrics[:MAX_CHARTS]]
    alerts = alert_listing(request, pk)
    health = clients.client_health(use, now)
    return page_context.render_page(
        request,
        "usage_client",
        use.name,
        [listed, alerts, *(each.table for each in charts)],
        [USAGE],
        use=use,
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        listed=listed,
        charts=charts,
        alerts=alerts,
        no_alert=EmptyState("No alert", "No threshold of a limit was crossed yet."),
        health=health,
        recommendations=clients.recommendations(use, health),
        limits_path=f"{reverse('admin:enterprise_usagelimit_changelist')}?q={use.client_id}",
        bill_path=reverse("revenue-bill", args=[pk]),
    )


def alert_listing(request: HttpRequest, customer: int) -> Listing:
    fields = (
        ListField("raised_at", Column("Raised")),
        ListField("metric_name", Column("Metric"), search=True),
        ListField("percent", Column("Threshold", PERCENT)),
        ListField("severity", Column("Severity", badge=True)),
        ListField("used", Column("Used", QUANTITY)),
        ListField("limit", Column("Limit", QUANTITY)),
    )
    rows = overview.alerts_of(customer)
    return Listing(
        "alerts", "Alerts", fields, rows, request.GET.dict(), order="-raised_at", noun="alert"
    )
