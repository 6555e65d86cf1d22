"""Automations and their runs as a table and a chart; pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from aethercrown.charts.lines import Series
from aethercrown.charts.stacked import stacked
from aethercrown.formatting import COUNT, counted
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table, Value
from operations.automations.run_rules import FAILED_RETENTION, RETENTION

ENDINGS = ("done", "failed", "skipped")


class AutomationLine(NamedTuple):
    """One automation with its newest run that was not skipped."""

    title: str
    when: str
    zone: str
    on: str
    mode: str
    last_state: str
    last_at: Value
    next_at: Value


def automation_table(lines: Sequence[AutomationLine], paths: Sequence[str]) -> Table:
    columns = (
        *map(Column, ("Automation", "When", "Time zone")),
        *(Column(each, badge=True) for each in ("On", "Mode")),
        Column("Last run", badge=True),
        *map(Column, ("Last planned for", "Next run")),
    )
    return Table("automations", "Automations", columns, lines, paths)


def runs_by_day(days: Sequence[date], counts: Mapping[tuple[date, str], int]) -> PageChart:
    """How the runs of each day ended."""
    rows: list[tuple[Value, ...]] = [
        (day, *(counts.get((day, each), 0) for each in ENDINGS)) for day in days
    ]
    series = [
        Series(name.capitalize(), [counts.get((day, name), 0) for day in days]) for name in ENDINGS
    ]
    columns = (Column("Day"), *(Column(name.capitalize(), COUNT) for name in ENDINGS))
    return page_chart(
        lambda caption, frame: stacked(days, series, caption, COUNT, frame=frame),
        Table("days", "Runs by day", columns, rows),
        note="By the day for which each run was planned. Runs that are done or skipped are kept "
        f"{counted(RETENTION.days, 'day')}, failed ones {FAILED_RETENTION.days}.",
    )
