"""Recurring revenue as tables and charts; pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import dropwhile
from typing import TYPE_CHECKING

from aethercrown.charts.bars import BarRow, bars
from aethercrown.charts.lines import Series, line
from aethercrown.charts.stacked import stacked
from aethercrown.charts.waterfall import WaterfallStep, waterfall
from aethercrown.formatting import COUNT, MISSING, PERCENT, RATIO, full, money, month_text, signed
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table, Value
from revenue.customers.billing_interval import is_complete
from revenue.mrr import bridge as metrics
from revenue.mrr.bridge import Bridge, combine
from revenue.mrr.movements import MovementKind
from revenue.mrr.retention import SpanKey, SpanRetention

if TYPE_CHECKING:
    from revenue.customers.reports import PlanMrr

NO_RETENTION: Mapping[SpanKey, SpanRetention] = {}


def from_first_month(bridges: Sequence[Bridge]) -> list[Bridge]:
    """The bridges from the ledger's first month on."""
    return list(dropwhile(lambda one: not (one.moved or one.opening), bridges))


def month_label(one: Bridge, last: date) -> str:
    """The month's name, marked where it is not over at the end of the day `last`."""
    so_far = "" if is_complete(one.starts_on, last) else " (so far)"
    return f"{month_text(one.starts_on)}{so_far}"


def bridge(bridges: Sequence[Bridge], currency: str) -> PageChart:
    """What changed MRR over the span, as a waterfall."""
    unit, total = money(currency, 0), combine(bridges)
    steps = [
        WaterfallStep(kind.value.capitalize(), total.signed(kind), kind.sign > 0)
        for kind in MovementKind
    ]
    columns = (Column("Step"), Column("Amount", money(currency), signs=True))
    rows = [
        ("Opening", total.opening),
        *((each.name, each.change) for each in steps),
        ("Closing", total.closing),
    ]
    first = month_text(bridges[0].starts_on)
    return page_chart(
        lambda caption, frame: waterfall(
            ("Opening", total.opening), steps, "Closing", caption, unit, frame=frame
        ),
        Table("waterfall", "MRR changes", columns, rows),
        note=f"From {full(total.opening, unit)} before {first} to {full(total.closing, unit)}: "
        "opening + new + reactivation + expansion \N{MINUS SIGN} contraction \N{MINUS SIGN} churn "
        "= closing, to the cent.",
        says="; ".join(f"{each.name} {signed(each.change, unit)}" for each in steps),
    )


def movements(
    bridges: Sequence[Bridge],
    currency: str,
    last: date,
    retained: Mapping[SpanKey, SpanRetention] = NO_RETENTION,
) -> PageChart:
    """Each month's movements, gains above zero and losses below; the table has the bridge."""
    unit = money(currency, 0)
    days = [one.starts_on for one in bridges]
    series = [
        Series(kind.value.capitalize(), [one.signed(kind) for one in bridges])
        for kind in MovementKind
    ]
    return page_chart(
        lambda caption, frame: stacked(days, series, caption, unit, axis=currency, frame=frame),
        bridge_table(bridges, currency, last, retained),
        title="MRR movements by month",
        note="Gains stand above zero, losses below; the last month may not be complete.",
    )


def bridge_table(
    bridges: Sequence[Bridge], currency: str, last: date, retained: Mapping[SpanKey, SpanRetention]
) -> Table:
    columns = (
        Column("Month"),
        *_move_columns(currency),
        Column("Gross churn", PERCENT, csv_only=True),
        Column("Net churn", PERCENT, csv_only=True),
        Column("Customer churn", PERCENT, csv_only=True),
        Column("Net retention", PERCENT),
        Column("Gross retention", PERCENT, csv_only=True),
        Column("Quick ratio", RATIO, csv_only=True),
    )
    with_retention = [(one, _of_month(one, last, retained)) for one in bridges]
    rows = [
        (
            month_label(one, last),
            *_moves(one),
            metrics.gross_churn(one),
            metrics.net_churn(one),
            delta.churn if delta else None,
            delta.net if delta else None,
            delta.gross if delta else None,
            metrics.quick_ratio(one),
        )
        for one, delta in reversed(with_retention)
    ]
    return Table("bridge", "The MRR bridge by month", columns, rows)


def _move_columns(currency: str) -> list[Column]:
    unit = money(currency)
    return [
        Column("Opening", unit),
        *(Column(kind.value.capitalize(), unit, signs=True) for kind in MovementKind),
        Column("Closing", unit),
        Column("Customers", COUNT),
    ]


def _moves(one: Bridge) -> list[Value]:
    moves = [one.signed(kind) for kind in MovementKind]
    return [one.opening, *moves, one.closing, one.payers_closing]


def _of_month(
    one: Bridge, last: date, retained: Mapping[SpanKey, SpanRetention]
) -> SpanRetention | None:
    """A month's retention; None for one that is not complete."""
    return retained.get((1, one.starts_on)) if is_complete(one.starts_on, last) else None


def trend(bridges: Sequence[Bridge], currency: str, last: date) -> PageChart:
    """MRR and ARR at the end of each month."""
    unit = money(currency, 0)
    columns = (
        Column("Month"),
        Column("MRR", money(currency)),
        Column("ARR", money(currency)),
        Column("Growth", PERCENT, signs=True),
    )
    rows = [
        (month_label(one, last), one.closing, metrics.arr(one.closing), metrics.growth(one))
        for one in bridges
    ]
    days = [one.starts_on for one in bridges]
    series = [Series("MRR", [one.closing for one in bridges])]
    return page_chart(
        lambda caption, frame: line(days, series, caption, unit, axis=currency, frame=frame),
        Table("trend", "MRR by month", columns, rows),
        note="At the end of each month; the last month may not be complete.",
    )


def plans(rows: "Sequence[PlanMrr]", currency: str) -> PageChart:
    unit, total = money(currency, 0), sum((each.mrr for each in rows), Decimal(0))
    drawn = [BarRow(each.plan or MISSING, (each.mrr,)) for each in rows[:12]]
    columns = (
        Column("Plan"),
        Column("MRR", money(currency)),
        Column("Share", PERCENT),
        Column("Subscriptions", COUNT),
        Column("Customers", COUNT),
    )
    lines = [
        (e.plan, e.mrr, float(100 * e.mrr / total), e.subscriptions, e.customers) for e in rows
    ]
    return page_chart(
        lambda caption, frame: bars(drawn, ("MRR",), caption, unit, axis=currency, frame=frame),
        Table("plans", "MRR by plan now", columns, lines),
    )


def segments(parts: Mapping[str, Sequence[Bridge]], currency: str) -> Table:
    """The bridge of the whole span for each segment."""
    combined = {name: combine(bridges) for name, bridges in parts.items()}
    ranked = sorted(combined.items(), key=lambda each: (-each[1].closing, each[0]))
    columns = (Column("Segment"), *_move_columns(currency))
    rows = [(name, *_moves(one)) for name, one in ranked]
    return Table("segments", "MRR changes by segment", columns, rows)
