"""The ledger as a page: what decisions of each kind promised, and what they gained."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from aethercrown.charts.bars import Row, bars
from aethercrown.charts.figures import PERCENT, Unit, signed
from dashboards import page_context
from dashboards.access import viewer
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table
from operations.decisions import reports
from operations.decisions.reports import DecisionTypeSummary

PERCENTS = {"%", "percent"}
NEWEST = 30
SHOWN = 12  # measured decisions drawn as bars


@viewer
def ledger(request: HttpRequest) -> HttpResponseBase:
    kinds = kept(reports.summaries_by_type())
    rows = [record(each) for each in reports.recent(NEWEST)]
    newest = listed(rows)
    measured = [each for each in rows if each["realised"]]
    drawn = gained(measured[:SHOWN]) if measured else None
    tables = [kinds, newest, *([drawn.table] if drawn else [])]
    return page_context.csv_download(request, "decisions", tables) or page_context.render_page(
        request,
        "dashboards/decisions.html",
        [page_context.Breadcrumb("Overview", "/"), page_context.Breadcrumb("Decisions")],
        kinds=kinds,
        newest=newest,
        gained=drawn,
    )


def kept(promises: Sequence[DecisionTypeSummary]) -> Table:
    """One row a kind of decision."""
    count = Unit()
    columns = (
        Column("Kind"),
        Column("Made", count),
        Column("Waiting", count),
        Column("Applied", count),
        Column("Rejected", count),
        Column("Rolled back", count),
        Column("Measured", count),
        Column("Promised, sum", Unit(digits=1), signs=True),
        Column("Gained, sum", Unit(digits=1), signs=True),
        Column("Unit"),
        Column("Inside the interval", PERCENT),
    )
    rows = [
        (
            each.title,
            each.proposed,
            each.waiting,
            each.applied,
            each.rejected,
            each.rolled_back,
            each.measured,
            each.promised if each.measured else None,
            each.realised if each.measured else None,
            each.unit,
            each.inside_percent,
        )
        for each in promises
    ]
    return Table("kinds", "Promised and gained, by kind", columns, rows)


def record(decision: Any) -> dict[str, Any]:
    """A decision's row as plain values, with the page it is about."""
    return {
        "title": decision.title,
        "proposed_at": decision.proposed_at,
        "status": decision.get_status_display(),
        "actor": decision.actor,
        "expected": decision.expected,
        "realised": decision.realised,
        "verdict": decision.get_verdict_display(),
        "page": reports.page(decision),
    }


def listed(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The newest decisions, whatever their kind."""
    columns = (
        Column("Decision"),
        Column("Proposed at"),
        Column("Status", badge=True),
        Column("Decided by"),
        Column("Promised"),
        Column("Gained"),
        Column("Outcome"),
    )
    lines = [
        (
            each["title"],
            each["proposed_at"],
            each["status"],
            each["actor"],
            promised(each["expected"]),
            gain(each["realised"], each["expected"]),
            each["verdict"],
        )
        for each in rows
    ]
    return Table("newest", "The newest decisions", columns, lines, [each["page"] for each in rows])


def gained(rows: Sequence[Mapping[str, Any]]) -> PageChart:
    """Promise beside gain for each measured decision; both with their intervals."""
    unit = _unit(rows[0]["expected"])
    alike = [each for each in rows if _unit(each["expected"]) == unit]
    drawn = [
        Row(
            f"{each['proposed_at']:%d %b} {each['title']}",
            (each["expected"]["estimate"], each["realised"]["value"]),
            tuple((each[part]["low"], each[part]["high"]) for part in ("expected", "realised")),
        )
        for each in alike
    ]
    columns = (
        Column("Decision"),
        Column("Proposed at"),
        Column("Promised", unit, signs=True),
        Column("Gained", unit, signs=True),
    )
    lines = [
        (
            each["title"],
            each["proposed_at"],
            each["expected"]["estimate"],
            each["realised"]["value"],
        )
        for each in alike
    ]
    return page_chart(
        lambda caption, frame: bars(drawn, ("Promised", "Gained"), caption, unit, frame=frame),
        "Promised and gained",
        Table("gained", "Promised and gained", columns, lines),
        note="The thin lines are 90% intervals; "
        "nine in ten gains should lie inside the promised one.",
    )


def promised(expected: Mapping[str, Any]) -> str:
    """An expected effect in words: +6.4% (+1.2% to +11.9%)."""
    unit = _unit(expected)
    low, high = signed(expected["low"], unit), signed(expected["high"], unit)
    return f"{signed(expected['estimate'], unit)} ({low} to {high})"


def gain(realised: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> str:
    """A realised effect in words, with its interval where it has one; nothing unmeasured."""
    if not realised:
        return ""
    unit = _unit(expected)
    value = signed(realised["value"], unit)
    if realised["low"] is None or realised["high"] is None:
        return value
    return f"{value} ({signed(realised['low'], unit)} to {signed(realised['high'], unit)})"


def _unit(expected: Mapping[str, Any]) -> Unit:
    if expected["unit"] in PERCENTS:
        return PERCENT
    return Unit(suffix=f"\u00a0{expected['unit']}" if expected["unit"] else "", digits=1)
