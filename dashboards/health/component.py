"""The page of one component: what is wrong now, its last day, response times and outages."""

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.charts.heat import HeatRow, heat
from aethercrown.charts.lines import Series, line
from aethercrown.formatting import counted, duration_text, moment_text
from aethercrown.metrics.period import Period
from aethercrown.page_parts import EmptyState
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.charts import PageChart, page_chart
from dashboards.health import views
from dashboards.page_context import kept_parameters
from dashboards.period_choice import MAX_DAYS, PARAMETERS, read_period
from dashboards.tables import Column, Table
from operations.health.reports import component as reports
from operations.health.reports.component import ComponentRow

HEALTH = page_context.Breadcrumb("Health", "/dashboards/health")
CSS_CLASSES = {"healthy": "good", "degraded": "warn", "unhealthy": "bad"}


@viewer
def component(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One component over a period, and its last 24 hours."""
    try:
        row = reports.component(pk)
    except reports.NoSuchComponent as error:
        raise Http404(str(error)) from error
    now = timezone.now()
    period = read_period(request.GET, now.date(), views.PRESETS, views.DEFAULT, max_days=MAX_DAYS)
    slots, times = heartbeat_chart(row, now), response_chart(row, period.period)
    outages = views.outage_listing(request.GET.dict(), period.period, now, pk)
    change = reverse("admin:operations_component_change", args=[pk])
    opens = access.may_open(request, reverse("admin:operations_component_changelist"))
    return page_context.render_page(
        request,
        "component",
        row.name,
        [slots.table, times.table, outages],
        [HEALTH],
        component=row,
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        status_text=row.status.replace("_", " "),
        css_class=CSS_CLASSES.get(row.status, ""),
        now_wrong=what_is_wrong(row, now),
        notes=notes(row, now),
        slots=slots,
        times=times,
        outages=outages,
        no_outage=EmptyState("No outage", "None of it is recorded in this period."),
        admin_path=change if opens else "",
    )


def what_is_wrong(row: ComponentRow, now: datetime) -> list[str]:
    """What is wrong now, in sentences; for a certificate the check's words are its date."""
    found = [row.error] if row.error else []
    if not row.is_enabled:
        found.append("It is switched off: nobody looks at it.")
    if (until := row.maintained_until(now)) is not None:
        found.append(f"It is in maintenance until {moment_text(until)}.")
    if row.parent is not None and row.parent.explains_children(now):
        found.append(f"{row.parent} fails too, on which it depends: its alert is held back.")
    return found


def notes(row: ComponentRow, now: datetime) -> list[str]:
    """Its certificate and its next maintenance, in sentences."""
    found = []
    begins, ends = row.certificate_starts_at, row.certificate_ends_at
    if begins is not None and ends is not None:
        valid = f"Its certificate is valid from {moment_text(begins)} until {moment_text(ends)}"
        left = f"{counted((ends - now).days, 'day')} are left" if ends > now else "it has expired"
        found.append(f"{valid}: {left}.")
    if (starts := row.next_maintenance(now)) is not None:
        length = duration_text(60 * (row.maintenance_minutes or 0))
        found.append(f"Its next maintenance begins {moment_text(starts)} and lasts {length}.")
    return found


def heartbeat_chart(row: ComponentRow, now: datetime) -> PageChart:
    slots = reports.heartbeat(row, now)
    names = [f"{start:%H:%M}" for start, _ in slots]
    columns = (Column("From"), Column("Up", views.PERCENT))
    return page_chart(
        lambda caption, frame: heat(
            [HeatRow(row.name, [up for _, up in slots])],
            names,
            views.LEVELS,
            caption,
            views.PERCENT,
            frame=frame,
            texts=False,
        ),
        Table("heartbeat", "The last 24 hours", columns, slots),
        note="90 slots of 16 minutes, in UTC. An empty one has no known state.",
    )


def response_chart(row: ComponentRow, period: Period) -> PageChart:
    found = reports.response_times(row, period)
    shares = ("p50", "p95", "p99")
    columns = (Column("Day"), *(Column(each, views.MILLISECONDS) for each in shares))
    series = [
        Series(name, [values[place] for _, values in found]) for place, name in enumerate(shares)
    ]
    days = [day for day, _ in found]
    return page_chart(
        lambda caption, frame: line(
            days, series, caption, views.MILLISECONDS, axis="ms", frame=frame
        ),
        Table("times", "Response times by day", columns, [(day, *each) for day, each in found]),
        note="Percentiles of the checks that succeeded.",
    )
