"""Made-up figures for the page of the kit; pure."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from aethercrown.charts.bars import BarRow, bars
from aethercrown.charts.heat import HeatRow, heat
from aethercrown.charts.intervals import IntervalRow, intervals
from aethercrown.charts.lines import Series, line
from aethercrown.charts.stacked import stacked
from aethercrown.charts.waterfall import WaterfallStep, waterfall
from aethercrown.formatting import COUNT, PERCENT, money
from aethercrown.metrics.period import Period
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Measured, Metric, MetricQuery
from aethercrown.page_parts import Confirmation, EmptyState, JobProgress, UndoNotice
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table
from dashboards.tiles import Tile, tiles

USD = money("USD", 0)
MONTHS = tuple(date(2026, month, 1) for month in range(1, 13))
MRR = (81, 84, 88, 87, 92, 97, 101, 104, 103, 109, 116, 121)
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
QUERY = MetricQuery(Period(date(2026, 12, 1), date(2026, 12, 31)), "USD", NOW)
PATH = "/dashboards/kit"


def _metric(title: str, unit: MetricUnit, good: Good) -> Metric:
    return Metric(
        f"sample.{title}", title, "A made-up figure.", unit, good, PATH, lambda _query: {}
    )


def sample_tiles() -> list[Tile]:
    """Good up, good down, unknown with its reason, and a duration."""
    course = [(day, 1000 * value) for day, value in zip(MONTHS, MRR, strict=True)]
    measured = [
        Measured(
            _metric("MRR", MetricUnit.MONEY, Good.UP),
            Reading(121_000, note="+$5,000 in December 2026", series=course),
            Reading(116_000),
            QUERY,
        ),
        Measured(
            _metric("Customer churn", MetricUnit.PERCENT, Good.DOWN),
            Reading(2.1, note="9 customers lost in December 2026"),
            Reading(3.4),
            QUERY,
        ),
        Measured(
            _metric("Net retention", MetricUnit.PERCENT, Good.UP),
            unknown("No customer paid a year ago"),
            Reading(98.0),
            QUERY,
        ),
        Measured(
            _metric("Run time of a task", MetricUnit.SECONDS, Good.DOWN),
            Reading(95.0, note="mean of 1,204 tasks"),
            Reading(80.0),
            QUERY,
        ),
    ]
    return tiles(measured, "November 2026")


def sample_charts() -> list[PageChart]:
    return [_line(), _stacked(), _waterfall(), _intervals(), _uptime(), _cohorts(), _bars()]


def _table(key: str, title: str, names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> Table:
    first, *others = names
    columns = (Column(first), *(Column(each, USD) for each in others))
    return Table(key, title, columns, rows)  # type: ignore[arg-type]  # made-up rows


def _line() -> PageChart:
    values = [1000 * each for each in MRR]
    low, high = [0.95 * each for each in values], [1.05 * each for each in values]
    series = [Series("MRR", values, low, high)]
    rows = list(zip(MONTHS, values, strict=True))
    return page_chart(
        lambda caption, frame: line(MONTHS, series, caption, USD, axis="USD", frame=frame),
        _table("line", "Line", ("Month", "MRR"), rows),
        note="lines.line: values over time with a band; None is a gap.",
    )


def _stacked() -> PageChart:
    gained = [900 * (at % 4 + 3) for at in range(12)]
    grown = [500 * (at % 3 + 1) for at in range(12)]
    lost = [-400 * (at % 5 + 1) for at in range(12)]
    series = [Series("New", gained), Series("Expansion", grown), Series("Churn", lost)]
    rows = list(zip(MONTHS, gained, grown, lost, strict=True))
    return page_chart(
        lambda caption, frame: stacked(MONTHS, series, caption, USD, axis="USD", frame=frame),
        _table("stacked", "Stacked bars by month", ("Month", "New", "Expansion", "Churn"), rows),
        note="stacked.stacked: what is lost stands below zero.",
    )


def _waterfall() -> PageChart:
    steps = [
        WaterfallStep("New", 9_000, good=True),
        WaterfallStep("Expansion", 4_000, good=True),
        WaterfallStep("Churn", -8_000, good=False),
    ]
    rows = [("Opening", 116_000), *((each.name, each.change) for each in steps)]
    return page_chart(
        lambda caption, frame: waterfall(
            ("Opening", 116_000), steps, "Closing", caption, USD, frame=frame
        ),
        _table("waterfall", "Waterfall", ("Step", "Amount"), [*rows, ("Closing", 121_000)]),
        note="waterfall.waterfall: good and bad apart from up and down.",
    )


def _intervals() -> PageChart:
    rows = [
        IntervalRow("Search budget", 6.4, 1.2, 11.9),
        IntervalRow("New onboarding", 2.0, -1.5, 5.6),
        IntervalRow("Price change", None),
    ]
    columns = (Column("Decision"), *(Column(each, PERCENT) for each in ("Effect", "Low", "High")))
    lines = [(each.name, each.estimate, each.low, each.high) for each in rows]
    return page_chart(
        lambda caption, frame: intervals(rows, caption, PERCENT, axis="effect", frame=frame),
        Table("intervals", "Interval bars", columns, lines),
        note="intervals.intervals: an estimate on its interval; none is said, never drawn as 0.",
    )


def _uptime() -> PageChart:
    days = [f"{at} Dec" for at in range(1, 31)]
    shop = [100.0 - (at % 9 == 0) * 3.5 for at in range(30)]
    api: list[float | None] = [None if at < 6 else 100.0 - (at == 17) * 12 for at in range(30)]
    columns = (Column("Day"), Column("Shop", PERCENT), Column("API", PERCENT))
    rows = list(zip(days, shop, api, strict=True))
    return page_chart(
        lambda caption, frame: heat(
            [HeatRow("Shop", shop), HeatRow("API", api)],
            days, (95.0, 99.0, 99.9, 100.0), caption, PERCENT, frame=frame, texts=False,
        ),
        Table("uptime", "Heat strip: uptime", columns, rows),
        note="heat.heat: an empty cell has no known value.",
    )  # fmt: skip


def _cohorts() -> PageChart:
    names = [f"{at}" for at in range(7)]
    rows = [
        HeatRow(f"{day:%b} 2026", [100.0 - 4.0 * at - 2 * place for at in range(7 - place)])
        for place, day in enumerate(MONTHS[:5])
    ]
    columns = (Column("Cohort"), *(Column(f"Month {each}", PERCENT) for each in names))
    lines = [(row.name, *row.values, *[None] * (7 - len(row.values))) for row in rows]
    return page_chart(
        lambda caption, frame: heat(
            rows, names, (70.0, 80.0, 90.0, 95.0), caption, PERCENT, frame=frame
        ),
        Table("cohorts", "Heat strip: retention of cohorts", columns, lines),
        note="Months after the first; a month that is not complete is left out.",
    )


def _bars() -> PageChart:
    rows = [BarRow("Search", (3_200, 3_900)), BarRow("Social", (2_900, 2_100))]
    lines = [(each.name, *each.values) for each in rows]
    return page_chart(
        lambda caption, frame: bars(rows, ("Now", "Proposed"), caption, USD, frame=frame),
        _table("bars", "Grouped bars", ("Channel", "Now", "Proposed"), lines),
        note="bars.bars: a bar for each series, with whiskers where there are intervals.",
    )


def sample_parts() -> dict[str, object]:
    return {
        "empty": EmptyState(
            "No channel yet",
            "Channels and their spend come from a file. Import one, or run this command:",
            PATH,
            "Import channels",
            "./manage.py import_data channels FILE",
        ),
        "confirmation": Confirmation(
            "Approve and apply “Divide $21,000.00 over 4 channels”?",
            "Approve",
            PATH,
            PATH,
            (("Search", "$3,900.00, +$700.00"), ("Social", "$2,100.00, \N{MINUS SIGN}$800.00")),
            ("Largest change is 27.6%, limit 20%",),
        ),
        "job": JobProgress(
            "sample-job", "Import of customers", "running", 1_240, 4_000, PATH, "checking rows",
            is_over=True,
        ),
        "undo": UndoNotice("Search has $3,900.00 from today.", PATH, NOW),
        "counts": Table(
            "counts",
            "Table of few rows",
            (Column("What"), Column("Status", badge=True), Column("How many", COUNT)),
            [("Shop", "healthy", 1_204), ("API", "degraded", 0), ("Mail", "failed", None)],
        ),
    }  # fmt: skip
