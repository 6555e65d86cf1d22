"""The status page: what is up now, how each day went, and every outage."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.charts.figures import Unit
from aethercrown.charts.lines import Series, line
from dashboards import page_context
from dashboards.access import viewer
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table, Value
from operations.health import reports
from operations.health.reports import history as uptime
from operations.health.reports.history import Trend

DAYS = 30
DAY = timedelta(hours=24)
MONTH = timedelta(days=30)
WORDS = {
    "healthy": "Everything that is required works",
    "degraded": "Something works slowly, or nothing is known of it",
    "unhealthy": "Something that is required does not work",
}
VERDICTS = {"healthy": "good", "degraded": "warn", "unhealthy": "bad"}
SHARE = Unit(suffix="%", digits=2)
MILLISECONDS = Unit(suffix="\u00a0ms", digits=1)


@viewer
def health(request: HttpRequest) -> HttpResponseBase:
    now = timezone.now()
    rows, turn = reports.components(), reports.last_round()
    standing = listed(uptime.trends(DAY, now))
    outages = ended(now)
    days, found = uptime.by_day(DAYS, now)
    drawn = daily(days, found) if found else None
    tables = [standing, outages, *([drawn.table] if drawn else [])]
    whole = reports.overall(rows)
    return page_context.csv_download(request, "health", tables) or page_context.render_page(
        request,
        "dashboards/health.html",
        [page_context.Breadcrumb("Overview", "/"), page_context.Breadcrumb("Health")],
        words=WORDS[whole] if rows else "Nothing has been looked at yet",
        verdict=VERDICTS[whole] if rows else "",
        turn=turn,
        standing=standing,
        outages=outages,
        daily=drawn,
    )


def listed(trends: Sequence[Trend]) -> Table:
    """Each component now, and over the last 24 hours."""
    columns = (
        Column("Component"),
        Column("Status", badge=True),
        Column("Confirmed", badge=True),
        Column("Since"),
        Column("Last look", csv_only=True),
        Column("Available, 24 h", SHARE),
        Column("p50", MILLISECONDS),
        Column("p95", MILLISECONDS),
        Column("p99", MILLISECONDS),
        Column("Looks", Unit(), csv_only=True),
        Column("What is wrong", prose=True),
    )
    rows = [
        (
            each.component.name,
            each.component.status,
            each.component.state,
            each.component.since,
            each.component.checked_at,
            each.found.availability_percent,
            each.found.percentile(0.50),
            each.found.percentile(0.95),
            each.found.percentile(0.99),
            each.found.checks,
            each.component.error,
        )
        for each in sorted(trends, key=lambda each: each.component.name.lower())
    ]
    return Table("components", "Components", columns, rows)


def ended(now: datetime) -> Table:
    """The outages of the last thirty days."""
    columns = (
        Column("Component"),
        Column("From"),
        Column("Until"),
        Column("Minutes", Unit(digits=1)),
        Column("What was wrong", prose=True),
    )
    rows: list[Sequence[Value]] = [
        (
            each.component.name,
            each.started_at,
            each.ended_at or "still down",
            ((each.ended_at or now) - each.started_at).total_seconds() / 60,
            each.error,
        )
        for each in uptime.incidents(now - MONTH)
    ]
    return Table("outages", "Outages of the last 30 days", columns, rows)


def daily(days: Sequence[date], found: Mapping[str, Sequence[float | None]]) -> PageChart:
    """Time down by day, of all components and of the worst; availability in the table."""
    rows: list[tuple[date, float | None, float | None, str]] = []
    for place, day in enumerate(days):
        known = {name: value for name, each in found.items() if (value := each[place]) is not None}
        lowest = min(known, key=lambda name: (known[name], name)) if known else ""
        mean = sum(known.values()) / len(known) if known else None
        rows.append((day, mean, known.get(lowest), lowest if known.get(lowest) != 100 else ""))
    columns = (
        Column("Day"),
        Column("All", SHARE),
        Column("Lowest", SHARE),
        Column("Which was lowest"),
    )
    series = [
        Series("All components", [missing(row[1]) for row in rows]),
        Series("The worst", [missing(row[2]) for row in rows]),
    ]
    return page_chart(
        lambda caption, frame: line(
            days, series, caption, SHARE, axis="% of the time known", frame=frame
        ),
        "Time down by day",
        Table("days", "Availability by day", columns, rows),
        note="Of the time in which the state was known: gaps, unknown looks and maintenance are "
        "left out.",
    )


def missing(available: float | None) -> float | None:
    """What availability in percent lacks to the whole."""
    return None if available is None else 100 - available
