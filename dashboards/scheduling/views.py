"""The page of the task queue."""

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from dashboards import page_context
from dashboards.access import viewer
from dashboards.scheduling import charts
from operations.scheduling.reports import planning


@viewer
def scheduling(request: HttpRequest) -> HttpResponseBase:
    """What runs and what is planned, as of the last plan."""
    now = timezone.now()
    found = planning.lanes()
    metrics, held_up = planning.situation(now)
    drawn, slow = charts.gantt(found, now), charts.bottlenecks(held_up)
    return page_context.download(request, "scheduling", [drawn.table, slow]) or page_context.shown(
        request,
        "dashboards/scheduling.html",
        [page_context.Step("Overview", "/"), page_context.Step("Tasks")],
        is_used=bool(metrics["total_tasks"]),
        headlines=charts.headlines(metrics),
        made=planning.newest(),
        drawn=drawn if found else None,
        bottlenecks=slow,
    )
