"""Usage as tables and charts; pure."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from aethercrown.charts.lines import Series, line
from aethercrown.formatting import COUNT, PERCENT, Unit, duration_text, moment_text
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table, Value

SECONDS = Unit(suffix="\u00a0s", digits=1)
QUANTITY = Unit(digits=2, trims=True)


def events_chart(days: Sequence[date], counts: Sequence[int | None]) -> PageChart:
    rows: list[tuple[Value, ...]] = list(zip(days, counts, strict=True))
    return page_chart(
        lambda caption, frame: line(
            days, [Series("Events", counts)], caption, COUNT, axis="events", frame=frame
        ),
        Table("events", "Events by day", (Column("Day"), Column("Events", COUNT)), rows),
        note="By the day in each client's time zone on which an event counts.",
    )


def freshness_table(found: Any) -> Table:
    """How far intake is behind, by source."""
    columns = (
        Column("Source"),
        Column("Events", COUNT),
        Column("Half came within", SECONDS),
        Column("95 of 100 within", SECONDS),
    )
    rows = [(each.source, each.events, each.p50_seconds, each.p95_seconds) for each in found]
    return Table("receipt", "Receipt of the last hour's events", columns, rows)


def freshness_sentences(found: Any) -> list[str]:
    """Evaluation and the last check of rollups, in sentences."""
    waits = duration_text(found.oldest_wait) if found.oldest_wait else ""
    words = [
        f"{found.waiting:,} clients wait for their evaluation, the oldest for {waits}."
        if waits
        else "No client waits for its evaluation."
    ]
    check = found.last_check
    if check is None:
        return [*words, "Rollups have not been compared with their events yet."]
    compared = (
        f"{check.hours:,} hours were compared with their events {moment_text(check.checked_at)}"
    )
    return [*words, f"{compared}: {check.differences:,} differ."]


def metrics_table(uses: Sequence[Any]) -> Table:
    """Each metric of a client: its period, limit, growth and outlook."""
    columns = (
        Column("Metric"),
        Column("Metric id", csv_only=True),
        Column("Used in its period", QUANTITY),
        Column("Limit", QUANTITY),
        Column("Of limit", PERCENT),
        Column("Growth", PERCENT, signs=True),
        Column("Trend", badge=True),
        Column("Days to limit", COUNT),
        Column("Earliest", COUNT),
        Column("Latest", COUNT),
        Column("Note", prose=True),
    )
    return Table("metrics", "Metrics", columns, [_metric_row(each) for each in uses])


def _metric_row(each: Any) -> tuple[Value, ...]:
    version, outlook = each.level.version, each.outlook
    return (
        str(each.level.metric),
        each.level.metric.code,
        each.level.used,
        None if version is None else version.quantity,
        each.level.percent,
        each.trend.growth_percent,
        each.trend.verdict.value,
        outlook.days,
        outlook.earliest,
        outlook.latest,
        outlook.reason,
    )


def metric_chart(each: Any, days: Sequence[date]) -> PageChart:
    """One metric's days."""
    code = each.level.metric.code
    values = [None if (value := each.days.get(day)) is None else float(value) for day in days]
    rows: list[tuple[Value, ...]] = [(day, each.days.get(day)) for day in days]
    columns = (Column("Day"), Column("Used", QUANTITY))
    return page_chart(
        lambda caption, frame: line(
            days,
            [Series(str(each.level.metric), values)],
            caption,
            QUANTITY,
            axis=each.level.metric.unit,
            frame=frame,
        ),
        Table(f"days-{code}", f"{each.level.metric} by day", columns, rows),
        note=each.level.sentence(),
    )
