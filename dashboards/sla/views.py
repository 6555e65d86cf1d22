"""The page of the SLA clocks, and that of one clock."""

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import COUNT, PERCENT, duration_text, yes_no
from aethercrown.history.attribution import shown_actor
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.page_parts import EmptyState
from aethercrown.text import sentence_case
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.listing import ListField, Listing
from dashboards.page_context import kept_parameters
from dashboards.period_choice import MAX_DAYS, PARAMETERS, read_period
from dashboards.tables import Column, Table
from dashboards.tiles import tiles
from enterprise.sla import reports
from enterprise.sla.reports import ClockRow
from revenue.customers import reports as customers

PRESETS, DEFAULT = ("30d", "90d", "365d"), "30d"
TILES = ("sla.attainment", "sla.breaches")
SLA = page_context.Breadcrumb("Service levels", "/dashboards/sla")
NO_CLOCK = EmptyState(
    "No clock yet", "Clocks begin with the steps of an onboarding and the first response to it."
)


@viewer
def clocks(request: HttpRequest) -> HttpResponseBase:
    """Attainment, the clocks with what is due, and the months behind."""
    now = timezone.now()
    period = read_period(request.GET, now.date(), PRESETS, DEFAULT, max_days=MAX_DAYS)
    listed = clock_listing(request.GET.dict())
    months = month_table(reports.attainment_by_month(now.date()))
    query = MetricQuery(period.period, "", now)
    return page_context.render_page(
        request,
        "sla",
        "Service levels",
        [listed, months],
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        tiles=tiles(measure(TILES, query, period.compared), period.compared_text),
        listed=listed,
        months=months,
        notes=reports.outdated_notes(),
        no_clock=NO_CLOCK,
    )


def clock_listing(given: Mapping[str, str]) -> Listing:
    fields = (
        ListField("title", Column("Clock"), search=True, show=clock_title),
        ListField("customer__name", Column("Customer"), search=True),
        ListField("kind", Column("Kind", badge=True), filter=True, choices=reports.KINDS),
        ListField("state", Column("State", badge=True), filter=True, choices=reports.STATES),
        ListField("outcome", Column("Outcome", badge=True), filter=True, choices=reports.OUTCOMES),
        ListField("target", Column("Target"), show=duration_text),
        ListField("due_at", Column("Due")),
    )
    return Listing(
        "clocks", "Clocks", fields, reports.clocks(), given,
        order="due_at", path="/dashboards/sla/clocks/{pk}", noun="clock",
    )  # fmt: skip


def clock_title(title: str) -> str:
    """In words: a step's name, such as kick_off, is one of the code."""
    return sentence_case(title.replace("_", " "))


def month_table(found: list[tuple[str, reports.Attainment]]) -> Table:
    columns = (
        Column("Month"),
        Column("Met", COUNT),
        Column("Breached", COUNT),
        Column("Attainment", PERCENT),
    )
    rows = [(month, each.met, each.breached, each.percent) for month, each in found]
    return Table("months", "Attainment by month", columns, rows)


@viewer
def clock(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One clock: what has elapsed, its thresholds and its events."""
    row = reports.clocks().filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no clock {pk}.")
    now = timezone.now()
    found = reports.timelines([row])[row.pk]
    until = row.stopped_at or now
    tables = [threshold_table(row), event_table(row)]
    admin_path = reverse("admin:enterprise_slaclock_change", args=[row.pk])
    opens = access.may_open(request, reverse("admin:enterprise_slaclock_changelist"))
    return page_context.render_page(
        request,
        "sla-clock",
        clock_title(row.title),
        tables,
        [SLA],
        clock=row,
        title=clock_title(row.title),
        customer_path=customers.page_path(row.customer.external_id) if row.customer else "",
        elapsed=found.elapsed(until),
        percent=found.percent(until),
        thresholds=tables[0],
        events=tables[1],
        admin_path=admin_path if opens else "",
    )


def threshold_table(row: ClockRow) -> Table:
    columns = (
        Column("Threshold", PERCENT),
        Column("Reached"),
        Column("Recorded"),
        Column("Sent"),
        Column("State", badge=True),
    )
    rows = [
        (
            each.threshold,
            each.reached_at,
            each.recorded_at,
            yes_no(each.is_sent),
            each.get_state_display(),
        )
        for each in row.breaches.order_by("recorded_at", "threshold")
    ]
    return Table("thresholds", "Thresholds reached", columns, rows)


def event_table(row: ClockRow) -> Table:
    columns = (
        Column("Event"),
        Column("At"),
        Column("Target"),
        Column("Counts from"),
        Column("By"),
        Column("Reason", prose=True),
    )
    rows = [
        (
            each.kind.capitalize(),
            each.at,
            duration_text(each.target) if each.target else None,
            each.counts_from,
            shown_actor(each.actor),
            each.reason,
        )
        for each in row.events.order_by("pk")
    ]
    return Table("events", "Events", columns, rows)
