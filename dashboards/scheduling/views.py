"""The page of AI tasks."""

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from dashboards import page_context
from dashboards.access import viewer
from dashboards.scheduling import charts
from operations.scheduling.reports import planning
from operations.scheduling.reports.metrics import queue_metrics


@viewer
def scheduling(request: HttpRequest) -> HttpResponseBase:
    """What runs and what is planned, from the newest stored plan."""
    now = timezone.now()
    found = planning.gantt_tasks()
    metrics, delays = queue_metrics(now)
    gantt, bottlenecks = charts.gantt(found, now), charts.bottlenecks(delays)
    return page_context.render_page(
        request,
        "scheduling",
        "Tasks",
        [gantt.table, bottlenecks],
        is_used=bool(metrics["total_tasks"]),
        headlines=charts.headlines(metrics),
        schedule=planning.latest_schedule(),
        gantt=gantt if found else None,
        bottlenecks=bottlenecks,
    )
