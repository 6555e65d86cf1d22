"""The page of decisions: expected beside realised effects, by decision type."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown import references
from aethercrown.charts.bars import BarRow, bars
from aethercrown.formatting import COUNT, PERCENT, date_text
from aethercrown.history.attribution import shown_actor
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table, UnitNumber
from operations.decisions import reports
from operations.decisions.decision_text import failed_guardrails
from operations.decisions.effect_text import (
    effect_unit,
    expected_text,
    realised_text,
    unit_name,
)
from operations.decisions.reports import DecisionTypeSummary

MAX_ROWS = 30
MAX_BARS = 8  # measured decisions in the chart of a type
MAX_WAITING = 50  # that can be decided at once


@viewer
def decisions(request: HttpRequest) -> HttpResponseBase:
    """What waits, what each type promised and brought, and the newest decisions."""
    now = timezone.now()
    types = type_table(reports.summaries_by_type())
    newest = newest_table(list(reports.recent(MAX_ROWS)))
    waiting = list(reports.waiting_rows(now)[:MAX_WAITING])
    measured = reports.measured_by_kind(MAX_BARS)
    charts = [effect_chart(kind, rows) for kind, rows in measured.items()]
    return page_context.render_page(
        request,
        "decisions",
        "Decisions",
        [types, newest, *(each.table for each in charts)],
        types=types,
        newest=newest,
        charts=charts,
        waiting=waiting_lines(waiting),
        may_decide=access.holds(request, reports.APPROVE),
        lacking=reports.lacking_approvers(),
    )


class WaitingLine(NamedTuple):
    """A proposal as the list of the waiting ones shows it."""

    key: int
    title: str
    proposed_at: datetime
    expected: str
    failed: Sequence[str]


def waiting_lines(rows: Sequence[Any]) -> list[WaitingLine]:
    return [
        WaitingLine(
            each.pk,
            title,
            each.proposed_at,
            expected_text(each.expected),
            failed_guardrails(each.guardrails),
        )
        for each, title in zip(rows, titles(rows), strict=True)
    ]


def type_table(summaries: Sequence[DecisionTypeSummary]) -> Table:
    """One row for each decision type."""
    columns = (
        Column("Type"),
        *(Column(each, COUNT) for each in ("Made", "Waiting", "Applied", "Rejected")),
        *(Column(each, COUNT) for each in ("Rolled back", "Measured")),
        *(Column(f"{each}, sum", COUNT, signs=True) for each in ("Expected", "Realised")),
        Column("Unit", csv_only=True),
        Column("Inside the interval", PERCENT),
        Column("Share inside", badge=True),
    )
    names = "title proposed waiting applied rejected rolled_back measured"
    counts = attrgetter(*names.split())
    rows = [
        (
            *counts(each),
            *(UnitNumber(sum_, effect_unit(each.unit)) for sum_ in (each.expected, each.realised)),
            each.unit,
            each.inside_percent,
            each.coverage,
        )
        for each in summaries
    ]
    return Table("kinds", "Expected and realised effects, by type", columns, rows)


def newest_table(rows: Sequence[Any]) -> Table:
    """The newest decisions of every type."""
    columns = (
        Column("Decision"),
        Column("Proposed at"),
        Column("Status", badge=True),
        *map(Column, ("Decided by", "Expected", "Realised", "Outcome")),
    )
    lines = [
        (
            title,
            each.proposed_at,
            each.get_status_display(),
            shown_actor(each.actor),
            expected_text(each.expected),
            realised_text(each.realised, each.expected),
            each.get_verdict_display(),
        )
        for each, title in zip(rows, titles(rows), strict=True)
    ]
    paths = [decision_path(each.pk) for each in rows]
    return Table("newest", "The newest decisions", columns, lines, paths)


def titles(rows: Sequence[Any]) -> list[str]:
    """The decisions' titles, with the present names of what they refer to."""
    return references.resolved([each.title for each in rows])


def decision_path(key: int) -> str:
    return f"/dashboards/decisions/{key}"


def effect_chart(kind: str, rows: Sequence[Any]) -> PageChart:
    """Expected beside realised effect of decisions of one type, with intervals; one unit only."""
    unit = effect_unit(unit_name(rows[0].expected))
    alike = [each for each in rows if effect_unit(unit_name(each.expected)) == unit]
    named = list(zip(alike, titles(alike), strict=True))
    drawn = [
        BarRow(
            f"{date_text(each.proposed_at)}: {title}",
            (each.expected["estimate"], each.realised["value"]),
            tuple((part["low"], part["high"]) for part in (each.expected, each.realised)),
        )
        for each, title in named
    ]
    columns = (
        Column("Decision"),
        Column("Proposed at"),
        Column("Expected", unit, signs=True),
        Column("Realised", unit, signs=True),
    )
    lines = [
        (title, each.proposed_at, each.expected["estimate"], each.realised["value"])
        for each, title in named
    ]
    paths = [decision_path(each.pk) for each, _ in named]
    return page_chart(
        lambda caption, frame: bars(drawn, ("Expected", "Realised"), caption, unit, frame=frame),
        Table(f"realised-{kind}", reports.type_title(kind), columns, lines, paths),
        note=f"{alike[0].expected['metric'].capitalize()}. The thin lines are 90% intervals; "
        "nine in ten realised effects should lie inside the expected one.",
    )
