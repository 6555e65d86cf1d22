"""The health page: the status of each component, availability by day, and outages."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.charts.lines import Series, line
from aethercrown.formatting import Unit
from dashboards import page_context
from dashboards.access import viewer
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table, Value
from operations.health.reports import components as reports
from operations.health.reports import history
from operations.health.reports.history import Trend

DAYS = 30
DAY = timedelta(hours=24)
MONTH = timedelta(days=30)
STATUS_TEXTS = {
    "healthy": "Every required component works",
    "degraded": "A required component is degraded or unknown",
    "unhealthy": "A required component does not work",
}
CSS_CLASSES = {"healthy": "good", "degraded": "warn", "unhealthy": "bad"}
PERCENT = Unit(suffix="%", digits=2)
MILLISECONDS = Unit(suffix="\u00a0ms", digits=1)


@viewer
def health(request: HttpRequest) -> HttpResponseBase:
    """The latest checks, the last 24 hours, and the last 30 days."""
    now = timezone.now()
    rows = reports.components()
    components = component_table(history.trends(DAY, now))
    outages = outage_table(now)
    days, found = history.daily_availability(DAYS, now)
    daily = downtime_chart(days, found) if found else None
    tables = [components, outages, *([daily.table] if daily else [])]
    overall = reports.overall(rows)
    return page_context.render_page(
        request,
        "health",
        "Health",
        tables,
        status_text=STATUS_TEXTS[overall] if rows else "Nothing has been checked yet",
        css_class=CSS_CLASSES[overall] if rows else "",
        last_round=reports.last_round(),
        components=components,
        outages=outages,
        daily=daily,
    )


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
        Column("Checks", Unit(), csv_only=True),
        Column("Error", prose=True),
    )
    cells = attrgetter("name", "status", "state", "state_since", "checked_at")
    rows = [
        (
            *cells(each.component),
            each.totals.availability_percent,
            *(each.totals.percentile(share) for share in (0.50, 0.95, 0.99)),
            each.totals.checks,
            each.component.error,
        )
        for each in sorted(trends, key=lambda each: each.component.name.lower())
    ]
    return Table("components", "Components", columns, rows)


def outage_table(now: datetime) -> Table:
    """The outages of the last 30 days."""
    columns = (
        Column("Component"),
        Column("From"),
        Column("Until"),
        Column("Minutes", Unit(digits=1)),
        Column("Error", prose=True),
    )
    rows: list[Sequence[Value]] = [
        (
            each.component.name,
            each.started_at,
            each.ended_at or "still down",
            ((each.ended_at or now) - each.started_at).total_seconds() / 60,
            each.error,
        )
        for each in history.incidents(now - MONTH)
    ]
    return Table("outages", "Outages of the last 30 days", columns, rows)


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
