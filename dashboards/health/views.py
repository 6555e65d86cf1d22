"""The health page: the status of each component, availability by day, and outages."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.charts.heat import HeatRow, heat
from aethercrown.charts.lines import Series, line
from aethercrown.formatting import COUNT, Unit, date_text
from aethercrown.metrics.period import Period
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.page_parts import EmptyState
from dashboards import page_context
from dashboards.access import viewer
from dashboards.charts import PageChart, page_chart
from dashboards.listing import ListField, Listing
from dashboards.page_context import kept_parameters
from dashboards.period_choice import MAX_DAYS, PARAMETERS, read_period
from dashboards.tables import Column, Table, Value
from dashboards.tiles import tiles
from operations.health.reports import components as reports
from operations.health.reports import history, status_page
from operations.health.reports.history import Trend

PRESETS, DEFAULT = ("7d", "30d", "90d", "365d"), "30d"
DAY = timedelta(hours=24)
TILES = ("health.availability", "health.components_down", "health.outages")
STATUS_TEXTS = {
    "healthy": "Every required component works",
    "degraded": "A required component is degraded or unknown",
    "unhealthy": "A required component does not work",
    "unknown": "Nothing is known of any required component",
}
WRONG_FIRST = ("unhealthy", "degraded", "unknown")
CSS_CLASSES = {"healthy": "good", "degraded": "warn", "unhealthy": "bad"}
PERCENT = Unit(suffix="%", digits=2)
MILLISECONDS = Unit(suffix="\u00a0ms", digits=1)
LEVELS = (95.0, 99.0, 99.9, 100.0)  # percent of a day, of the heat strip
MAX_STRIP_DAYS = 92
NOTHING_YET = EmptyState(
    "No full hour has been recorded yet",
    "The strip and the chart start after the first full hour of checks.",
)


@viewer
def health(request: HttpRequest) -> HttpResponseBase:
    """The latest checks, the last 24 hours, and a period."""
    now = timezone.now()
    period = read_period(request.GET, now.date(), PRESETS, DEFAULT, max_days=MAX_DAYS)
    days, found = history.daily_availability(period.period)
    charts = availability_charts(days, found) if found else {}
    components = component_table(history.trends(DAY, now))
    outages = outage_listing(request.GET.dict(), period.period, now)
    query = MetricQuery(period.period, "", now)
    return page_context.render_page(
        request,
        "health",
        "Health",
        [components, outages, *(each.table for each in charts.values())],
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        tiles=tiles(measure(TILES, query, period.compared), period.compared_text),
        components=components,
        outages=outages,
        no_outage=EmptyState("No outage", "No component was down in this period."),
        nothing_yet=NOTHING_YET,
        status_path=status_page.path(),
        public_address=f"{settings.PUBLIC_URL}{status_page.path()}",
        **_verdict(),
        **charts,
    )


def _verdict() -> dict[str, Any]:
    rows = reports.components()
    overall = reports.overall(rows)
    return {
        "status_text": STATUS_TEXTS[overall] if rows else "Nothing has been checked yet",
        "css_class": CSS_CLASSES.get(overall, "") if rows else "",
        "last_round": reports.last_round(),
    }


def component_table(trends: Sequence[Trend]) -> Table:
    """The latest check of each component, and its figures of the last 24 hours."""
    columns = (
        Column("Component"),
        Column("Status", badge=True),
        Column("Confirmed", badge=True),
        Column("Since"),
        Column("Last check", csv_only=True),
        Column("Available, 24 h", PERCENT),
        *(Column(each, MILLISECONDS) for each in ("p50", "p95", "p99")),
        Column("Checks", COUNT, csv_only=True),
        Column("Error", prose=True),
    )
    listed = sorted(trends, key=_wrong_first)
    cells = attrgetter("state", "state_since", "checked_at")
    rows = [
        (
            each.component.name,
            each.component.status.replace("_", " "),
            *cells(each.component),
            each.totals.availability_percent,
            *(each.totals.percentile(share) for share in (0.50, 0.95, 0.99)),
            each.totals.checks,
            each.component.error,
        )
        for each in listed
    ]
    paths = [f"/dashboards/health/{each.component.pk}" for each in listed]
    return Table("components", "Components", columns, rows, paths)


def _wrong_first(each: Trend) -> tuple[int, str]:
    status = each.component.status
    return WRONG_FIRST.index(status) if status in WRONG_FIRST else 3, each.component.name.lower()


def outage_listing(
    given: Mapping[str, str], period: Period, now: datetime, component_id: int | None = None
) -> Listing:
    """The outages that touched the period, of all or of one component, the newest first."""
    rows = history.outages(period, now)
    if component_id is not None:
        rows = rows.filter(component=component_id)
    fields = (
        ListField("component__name", Column("Component"), search=True),
        ListField("started_at", Column("From")),
        ListField("ended_at", Column("Until"), show=lambda at: at or "still down"),
        ListField("length", Column("Minutes", Unit(digits=1)), show=minutes),
        ListField("error", Column("Error", prose=True), search=True),
    )
    return Listing(
        "outages",
        "Outages",
        fields,
        rows,
        given,
        order="-started_at",
        noun="outage",
    )


def minutes(length: timedelta) -> float:
    return length.total_seconds() / 60


def availability_charts(
    days: Sequence[date], found: Mapping[str, Sequence[float | None]]
) -> dict[str, PageChart]:
    return {"strip": uptime_strip(days, found), "daily": downtime_chart(days, found)}


def uptime_strip(days: Sequence[date], found: Mapping[str, Sequence[float | None]]) -> PageChart:
    """A row of days for each component, the last MAX_STRIP_DAYS; the table has all."""
    shown = days[-MAX_STRIP_DAYS:]
    rows = [HeatRow(name, values[-MAX_STRIP_DAYS:]) for name, values in found.items()]
    names = [f"{each.day} {each:%b}" for each in shown]
    columns = (Column("Day"), *(Column(name, PERCENT) for name in found))
    lines: list[Sequence[Value]] = [
        (day, *(values[place] for values in found.values())) for place, day in enumerate(days)
    ]
    note = "An empty cell is a day without a known state."
    if len(days) > len(shown):
        note += f" The strip begins on {date_text(shown[0])}; the table has every day."
    return page_chart(
        lambda caption, frame: heat(
            rows, names, LEVELS, caption, PERCENT, frame=frame, texts=False
        ),
        Table("strip", "Availability by component and day", columns, lines),
        note=note,
    )


def downtime_chart(days: Sequence[date], found: Mapping[str, Sequence[float | None]]) -> PageChart:
    """Downtime by day, of all components and of the worst; availability in the table."""
    rows: list[tuple[date, float | None, float | None, str]] = []
    for place, day in enumerate(days):
        known = {name: value for name, each in found.items() if (value := each[place]) is not None}
        lowest = min(known, key=lambda name: (known[name], name)) if known else ""
        mean = sum(known.values()) / len(known) if known else None
        rows.append((day, mean, known.get(lowest), lowest if known.get(lowest) != 100 else ""))
    columns = (
        Column("Day"),
        Column("All", PERCENT),
        Column("Lowest", PERCENT),
        Column("Lowest component"),
    )
    series = [
        Series("All components", [downtime(row[1]) for row in rows]),
        Series("The worst", [downtime(row[2]) for row in rows]),
    ]
    return page_chart(
        lambda caption, frame: line(
            days, series, caption, PERCENT, axis="% of the time known", frame=frame
        ),
        Table("days", "Availability by day", columns, rows),
        title="Downtime by day",
        note="In percent of the time with a known state: gaps, unknown checks and maintenance do "
        "not count.",
    )


def downtime(available: float | None) -> float | None:
    """100 % minus the availability; None if unknown."""
    return None if available is None else 100 - available
