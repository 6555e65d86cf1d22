"""The page of AI tasks."""

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.metrics.registry import MetricQuery, measure
from dashboards import page_context
from dashboards.access import viewer
from dashboards.page_context import kept_parameters
from dashboards.period_choice import PARAMETERS, read_period
from dashboards.scheduling import charts
from dashboards.tiles import tiles
from operations.scheduling.reports import planning
from operations.scheduling.reports.metrics import queue_metrics

PRESETS, DEFAULT = ("7d", "30d", "90d"), "30d"
TILES = ("tasks.waiting", "tasks.completed", "tasks.success", "tasks.run_time")


@viewer
def scheduling(request: HttpRequest) -> HttpResponseBase:
    """What ended in a period, what runs, and what is planned, from the newest stored plan."""
    now = timezone.now()
    period = read_period(request.GET, now.date(), PRESETS, DEFAULT)
    query = MetricQuery(period.period, "", now)
    found = planning.gantt_tasks()
    metrics, delays = queue_metrics(now)
    gantt, bottlenecks = charts.gantt(found, now), charts.bottlenecks(delays)
    return page_context.render_page(
        request,
        "scheduling",
        "Tasks",
        [gantt.table, bottlenecks],
        is_used=bool(metrics["total_tasks"]),
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        tiles=[
            *tiles(measure(TILES, query, period.compared), period.compared_text),
            *charts.plan_tiles(metrics),
        ],
        schedule=planning.latest_schedule(),
        gantt=gantt if found else None,
        bottlenecks=bottlenecks,
    )
