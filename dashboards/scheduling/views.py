"""The page of the task queue."""

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from dashboards import page
from dashboards.access import viewer
from dashboards.scheduling import pictures
from operations.planning import reports


@viewer
def scheduling(request: HttpRequest) -> HttpResponseBase:
    """What runs and what is planned, as of the last plan."""
    now = timezone.now()
    found = reports.lanes()
    metrics, held_up = reports.situation(now)
    drawn, slow = pictures.gantt(found, now), pictures.bottlenecks(held_up)
    return page.download(request, "scheduling", [drawn.table, slow]) or page.shown(
        request,
        "dashboards/scheduling.html",
        [page.Step("Overview", "/"), page.Step("Tasks")],
        is_used=bool(metrics["total_tasks"]),
        headlines=pictures.headlines(metrics),
        made=reports.newest(),
        drawn=drawn if found else None,
        bottlenecks=slow,
    )
