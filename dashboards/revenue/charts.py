"""Recurring revenue as figures, tables and charts; pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import dropwhile
from typing import TYPE_CHECKING

from aethercrown.charts.bars import BarRow, bars
from aethercrown.charts.figures import COUNT, MISSING, PERCENT, Unit, full, money, signed
from aethercrown.charts.lines import Series, line
from aethercrown.text import counted
from dashboards.charts import PageChart, page_chart
from dashboards.key_figures import KeyFigure
from dashboards.tables import Column, Table, Value
from revenue.customers.billing_interval import month_of
from revenue.mrr import bridge as metrics
from revenue.mrr.bridge import Bridge, combine
from revenue.mrr.movements import MovementKind
from revenue.mrr.retention import SpanKey, SpanRetention

if TYPE_CHECKING:
    from revenue.customers.reports import CustomerSummary, PlanMrr

RATIO = Unit(digits=2)
NO_RETENTION: Mapping[SpanKey, SpanRetention] = {}


def from_first_month(bridges: Sequence[Bridge]) -> list[Bridge]:
    """The bridges from the ledger's first month on."""
    return list(dropwhile(lambda one: not (one.moved or one.opening), bridges))


def headlines(
    bridges: Sequence[Bridge],
    currency: str,
    today: date,
    retained: Mapping[SpanKey, SpanRetention] = NO_RETENTION,
) -> list[KeyFigure]:
    """Recurring revenue in five figures; rates are those of the last complete month."""
    unit, now = money(currency, 0), bridges[-1]
    over = [each for each in bridges if each.starts_on < month_of(today)]
    last = over[-1] if over else None
    month, year = (retained.get((span, last.starts_on)) if last else None for span in (1, 12))
    lost = counted(month.delta.left, "customer") if month else ""
    net = now.closing - now.opening
    return [
        KeyFigure(
            "MRR",
            full(now.closing, unit),
            f"{signed(net, unit)} so far this month",
            "MRR of all active subscriptions, before tax and without one-off charges.",
        ),
        KeyFigure(
            "ARR",
            full(metrics.arr(now.closing), unit),
            "12 \N{MULTIPLICATION SIGN} MRR",
            "Annual recurring revenue at the present MRR.",
        ),
        KeyFigure(
            "Paying customers",
            full(now.payers_closing, COUNT),
            f"{full(metrics.arpa(now), money(currency))} each a month",
            "Customers with MRR above zero, and their average MRR.",
        ),
        KeyFigure(
            "Customer churn",
            full(month.churn if month else None, PERCENT),
            f"{lost} lost in {last.starts_on:%B %Y}" if last and month else _why_missing(last),
            "Customers who paid when the month began and paid nothing when it ended.",
        ),
        _retention(last, month, year),
    ]


def _retention(
    last: Bridge | None, month: SpanRetention | None, year: SpanRetention | None
) -> KeyFigure:
    """Net and gross retention over a year, or over a month where no customer is a year old."""
    found, words = month, f"in {last.starts_on:%B %Y}" if last else ""
    if last and year and year.net is not None:
        found, words = year, f"the 12 months to {last.starts_on:%B %Y}"
    return KeyFigure(
        "Net retention",
        full(found.net if found else None, PERCENT),
        f"{full(found.gross, PERCENT)} gross; {words}" if found else _why_missing(last),
        "MRR at the end from the customers of the start, in percent of their MRR then. Gross"
        " retention leaves out expansion.",
    )


def _why_missing(last: Bridge | None) -> str:
    return "Calculated by the nightly run" if last else "No complete month yet"


def month_label(one: Bridge, today: date) -> str:
    """The month's name, marked where it is not complete."""
    so_far = " (so far)" if one.starts_on == month_of(today) else ""
    return f"{one.starts_on:%b %Y}{so_far}"


def bridge(
    bridges: Sequence[Bridge],
    currency: str,
    today: date,
    retained: Mapping[SpanKey, SpanRetention] = NO_RETENTION,
) -> PageChart:
    """What changed MRR over the span as bars, and a table with the bridge of each month."""
    unit, total = money(currency, 0), combine(bridges)
    rows = [BarRow(kind.value.capitalize(), (total.signed(kind),)) for kind in MovementKind]
    says = "; ".join(f"{kind} {full(total.signed(kind), unit)}" for kind in MovementKind)
    first = f"{bridges[0].starts_on:%B %Y}"
    return page_chart(
        lambda caption, frame: bars(rows, ("Change",), caption, unit, axis=currency, frame=frame),
        _bridge_table(bridges, currency, today, retained),
        title="MRR changes",
        note=f"From {full(total.opening, unit)} before {first} to {full(total.closing, unit)} now: "
        "opening + new + reactivation + expansion \N{MINUS SIGN} contraction \N{MINUS SIGN} churn "
        "= closing, to the cent.",
        says=says,
    )


def _bridge_table(
    bridges: Sequence[Bridge], currency: str, today: date, retained: Mapping[SpanKey, SpanRetention]
) -> Table:
    columns = (
        Column("Month"),
        *_move_columns(currency),
        *(Column(each, PERCENT) for each in ("Gross churn", "Net churn", "Customer churn")),
        *(Column(each, PERCENT) for each in ("Net retention", "Gross retention")),
        Column("Quick ratio", RATIO),
    )
    with_retention = [(one, _of_month(one, today, retained)) for one in bridges]
    rows = [
        (
            month_label(one, today),
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
    one: Bridge, today: date, retained: Mapping[SpanKey, SpanRetention]
) -> SpanRetention | None:
    """A month's retention; None for one that is not complete."""
    return retained.get((1, one.starts_on)) if one.starts_on < month_of(today) else None


def trend(bridges: Sequence[Bridge], currency: str, today: date) -> PageChart:
    """MRR at the end of each month."""
    unit = money(currency, 0)
    table = Table(
        "trend",
        "MRR by month",
        (Column("Month"), Column("MRR", money(currency)), Column("Growth", PERCENT, signs=True)),
        [(month_label(one, today), one.closing, metrics.growth(one)) for one in bridges],
    )
    days = [one.starts_on for one in bridges]
    series = [Series("MRR", [one.closing for one in bridges])]
    return page_chart(
        lambda caption, frame: line(days, series, caption, unit, axis=currency, frame=frame),
        table,
        note="At the end of each month; the last month is not complete.",
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
        Table("plans", "MRR by plan", columns, lines),
    )


def segments(parts: Mapping[str, Sequence[Bridge]], currency: str) -> Table:
    """The bridge of the whole span for each segment."""
    combined = {name: combine(bridges) for name, bridges in parts.items()}
    ranked = sorted(combined.items(), key=lambda each: (-each[1].closing, each[0]))
    columns = (Column("Segment"), *_move_columns(currency))
    rows = [(name, *_moves(one)) for name, one in ranked]
    return Table("segments", "The bridge by segment", columns, rows)


def customers(rows: "Sequence[CustomerSummary]", currency: str, paths: Sequence[str]) -> Table:
    """The customers with the highest MRR; `paths` link to their records."""
    columns = (
        *map(Column, ("Customer", "Segment", "Owner", "Since")),
        Column("Subscriptions", COUNT),
        Column("MRR", money(currency)),
    )
    lines = [(e.name, e.segment, e.owner, e.since, e.subscriptions, e.mrr) for e in rows]
    return Table("customers", "Customers with the highest MRR", columns, lines, paths)
