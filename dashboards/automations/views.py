"""The page of the automations."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import COUNT, duration_text, yes_no
from aethercrown.metrics.period import Period
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.page_parts import EmptyState
from aethercrown.text import last_line
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.automations import tables
from dashboards.automations.tables import AutomationLine
from dashboards.listing import ListField, Listing
from dashboards.page_context import kept_parameters
from dashboards.period_choice import MAX_DAYS, PARAMETERS, read_period
from dashboards.tables import Column, Table
from dashboards.tiles import tiles
from operations.automations import reports, schedule_text

PRESETS, DEFAULT = ("7d", "30d", "90d"), "30d"
TILES = ("automations.on", "automations.runs", "automations.success")


@viewer
def automations(request: HttpRequest) -> HttpResponseBase:
    """When each automation runs, how its last run ended, and every run of a period."""
    now = timezone.now()
    period = read_period(request.GET, now.date(), PRESETS, DEFAULT, max_days=MAX_DAYS)
    opens = access.may_open(request, reverse("admin:operations_run_changelist"))
    listed = automation_table(now)
    days, counts = reports.runs_by_day(period.period)
    chart = tables.runs_by_day(days, counts)
    runs = run_listing(request.GET.dict(), period.period, opens=opens)
    query = MetricQuery(period.period, "", now)
    return page_context.render_page(
        request,
        "automations",
        "Automations",
        [listed, runs, chart.table],
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        tiles=tiles(measure(TILES, query, period.compared), period.compared_text),
        listed=listed,
        chart=chart if counts else None,
        runs=runs,
        no_run=EmptyState(
            "No run in this period",
            "An automation that is on runs at its scheduled time; staff run one now from its page,"
            " or all that are on with this command:",
            command="./manage.py run_automation --all",
        ),
    )


def automation_table(now: datetime) -> Table:
    """One row an automation, with the link to its page."""
    found = reports.listed(now)
    lines = [
        AutomationLine(
            each.title,
            schedule_text.describe(each.schedule),
            each.zone,
            yes_no(each.is_enabled),
            each.mode,
            last.state if last else "",
            last.planned_for if last else None,
            next_at,
        )
        for each, last, next_at in found
    ]
    paths = [reverse("automation", args=[each.pk]) for each, *_ in found]
    return tables.automation_table(lines, paths)


def took_text(took: timedelta | None) -> str | None:
    return None if took is None else duration_text(took)


def run_listing(given: Mapping[str, str], period: Period, *, opens: bool) -> Listing:
    """The runs planned for the period, the newest first."""
    fields = (
        ListField("automation__title", Column("Automation"), search=True),
        ListField("planned_for", Column("Planned for")),
        ListField("state", Column("State", badge=True), filter=True, choices=reports.RUN_STATES),
        ListField(
            "trigger", Column("Started by", badge=True), filter=True, choices=reports.TRIGGERS
        ),
        ListField("took", Column("Took", COUNT), show=took_text),
        ListField("attempt", Column("Attempts", COUNT)),
        ListField("outcome", Column("Outcome", prose=True), search=True, show=last_line),
    )
    path = reverse("admin:operations_run_change", args=["0"]).replace("/0/", "/{pk}/")
    rows = reports.runs_of(period)
    return Listing(
        "runs", "Runs", fields, rows, given,
        order="-planned_for", path=path if opens else "", noun="run",
    )  # fmt: skip
