"""Recurring revenue as figures, tables and charts; pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from aethercrown.charts.bars import Row, bars
from aethercrown.charts.figures import COUNT, MISSING, PERCENT, Unit, full, money, signed
from aethercrown.charts.lines import Series, line
from dashboards.charts import PageChart, page_chart
from dashboards.key_figures import KeyFigure, count_text
from dashboards.tables import Column, Table, Value
from revenue.mrr import metrics
from revenue.mrr.billing_interval import month_of
from revenue.mrr.bridge import Bridge, whole
from revenue.mrr.movements import Kind
from revenue.mrr.retention import Place, Retained

RATIO = Unit(digits=2)
NOTHING_KNOWN: Mapping[Place, Retained] = {}


class Planned(Protocol):
    """What one plan brings."""

    @property
    def plan(self) -> str: ...
    @property
    def mrr(self) -> Decimal: ...
    @property
    def subscriptions(self) -> int: ...
    @property
    def customers(self) -> int: ...


class Standing(Protocol):
    """One customer who pays."""

    @property
    def pk(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def segment(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def since(self) -> date: ...
    @property
    def subscriptions(self) -> int: ...
    @property
    def mrr(self) -> Decimal: ...


def known(bridges: Sequence[Bridge]) -> list[Bridge]:
    """Without the months before the ledger's first."""
    for place, one in enumerate(bridges):
        if one.moved or one.opening:
            return list(bridges[place:])
    return []


def headlines(
    bridges: Sequence[Bridge],
    currency: str,
    today: date,
    retained: Mapping[Place, Retained] = NOTHING_KNOWN,
) -> list[KeyFigure]:
    """Recurring revenue in five figures; rates are those of the last month that is over."""
    unit, now = money(currency, 0), bridges[-1]
    over = [each for each in bridges if each.starts_on < month_of(today)]
    last = over[-1] if over else None
    month, year = (retained.get((span, last.starts_on)) if last else None for span in (1, 12))
    lost = count_text(month.kept.left, "customer") if month else ""
    net = now.closing - now.opening
    return [
        KeyFigure(
            "MRR",
            full(now.closing, unit),
            f"{signed(net, unit)} so far this month",
            "What all running subscriptions bring a month, before tax, without one-off charges.",
        ),
        KeyFigure(
            "ARR",
            full(metrics.arr(now.closing), unit),
            "12 \N{MULTIPLICATION SIGN} MRR",
            "Annual recurring revenue, were nothing to change.",
        ),
        KeyFigure(
            "Paying customers",
            full(now.payers_closing, COUNT),
            f"{full(metrics.arpa(now), money(currency))} each a month",
            "Customers whose subscriptions bring something; MRR for each of them.",
        ),
        KeyFigure(
            "Customer churn",
            full(month.churn if month else None, PERCENT),
            f"{lost} lost in {last.starts_on:%B %Y}" if last and month else _why(last),
            "Customers who paid when the month began and paid nothing when it ended.",
        ),
        _kept(last, month, year),
    ]


def _kept(last: Bridge | None, month: Retained | None, year: Retained | None) -> KeyFigure:
    """Net retention over a year, or a month where there was nobody a year ago; gross beside it."""
    known, words = month, f"in {last.starts_on:%B %Y}" if last else ""
    if last and year and year.net is not None:
        known, words = year, f"the 12 months to {last.starts_on:%B %Y}"
    return KeyFigure(
        "Net retention",
        full(known.net if known else None, PERCENT),
        f"{full(known.gross, PERCENT)} gross; {words}" if known else _why(last),
        "What the customers of the start bring at the end, of what they brought then. Gross leaves"
        " out what some of them bring more.",
    )


def _why(last: Bridge | None) -> str:
    return "The nightly run works it out" if last else "No month is over yet"


def span_of(one: Bridge, today: date) -> str:
    """The month in words; one that is not over says so."""
    so_far = " (so far)" if one.starts_on == month_of(today) else ""
    return f"{one.starts_on:%b %Y}{so_far}"


def bridge(
    bridges: Sequence[Bridge],
    currency: str,
    today: date,
    retained: Mapping[Place, Retained] = NOTHING_KNOWN,
) -> PageChart:
    """What moved MRR over the whole span as bars, and the bridge of each month behind it."""
    unit, total = money(currency, 0), whole(bridges)
    rows = [Row(kind.value.capitalize(), (total.signed(kind),)) for kind in Kind]
    says = "; ".join(f"{kind} {full(total.signed(kind), unit)}" for kind in Kind)
    first = f"{bridges[0].starts_on:%B %Y}"
    return page_chart(
        lambda caption, frame: bars(rows, ("Moved",), caption, unit, axis=currency, frame=frame),
        "What moved MRR",
        _bridge_table(bridges, currency, today, retained),
        note=f"From {full(total.opening, unit)} before {first} to {full(total.closing, unit)} now: "
        "opening + new + reactivation + expansion \N{MINUS SIGN} contraction \N{MINUS SIGN} churn "
        "= closing, to the cent.",
        says=says,
    )


def _bridge_table(
    bridges: Sequence[Bridge],
    currency: str,
    today: date,
    retained: Mapping[Place, Retained],
) -> Table:
    unit = money(currency)
    columns = (
        Column("Month"),
        Column("Opening", unit),
        *(Column(kind.value.capitalize(), unit, signs=True) for kind in Kind),
        Column("Closing", unit),
        Column("Customers", COUNT),
        Column("Gross churn", PERCENT),
        Column("Net churn", PERCENT),
        Column("Customer churn", PERCENT),
        Column("Net retention", PERCENT),
        Column("Gross retention", PERCENT),
        Column("Quick ratio", RATIO),
    )
    known = [(one, _of_month(one, today, retained)) for one in bridges]
    rows = [
        (
            span_of(one, today),
            one.opening,
            *(one.signed(kind) for kind in Kind),
            one.closing,
            one.payers_closing,
            metrics.gross_churn(one),
            metrics.net_churn(one),
            kept.churn if kept else None,
            kept.net if kept else None,
            kept.gross if kept else None,
            metrics.quick_ratio(one),
        )
        for one, kept in reversed(known)
    ]
    return Table("bridge", "The MRR bridge by month", columns, rows)


def _of_month(one: Bridge, today: date, retained: Mapping[Place, Retained]) -> Retained | None:
    """What was kept in a month; nothing is said of one that is not over."""
    return retained.get((1, one.starts_on)) if one.starts_on < month_of(today) else None


def trend(bridges: Sequence[Bridge], currency: str, today: date) -> PageChart:
    """MRR at the end of each month."""
    unit = money(currency, 0)
    table = Table(
        "trend",
        "MRR by month",
        (Column("Month"), Column("MRR", money(currency)), Column("Growth", PERCENT, signs=True)),
        [(span_of(one, today), one.closing, metrics.growth(one)) for one in bridges],
    )
    days = [one.starts_on for one in bridges]
    series = [Series("MRR", [one.closing for one in bridges])]
    return page_chart(
        lambda caption, frame: line(days, series, caption, unit, axis=currency, frame=frame),
        "MRR by month",
        table,
        note="At the end of each month; the last one is not over.",
    )


def plans(rows: Sequence[Planned], currency: str) -> PageChart:
    """What each plan brings now."""
    unit, total = money(currency, 0), sum((each.mrr for each in rows), Decimal(0))
    drawn = [Row(each.plan or MISSING, (each.mrr,)) for each in rows[:12]]
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
        "MRR by plan",
        Table("plans", "MRR by plan", columns, lines),
    )


def segments(parts: Mapping[str, Sequence[Bridge]], currency: str) -> Table:
    """The bridge of the whole span for each segment."""
    unit = money(currency)
    columns = (
        Column("Segment"),
        Column("Opening", unit),
        *(Column(kind.value.capitalize(), unit, signs=True) for kind in Kind),
        Column("Closing", unit),
        Column("Customers", COUNT),
    )
    spans = {name: whole(bridges) for name, bridges in parts.items()}
    ranked = sorted(spans.items(), key=lambda each: (-each[1].closing, each[0]))
    rows: list[tuple[Value, ...]] = [
        (
            name,
            one.opening,
            *(one.signed(kind) for kind in Kind),
            one.closing,
            one.payers_closing,
        )
        for name, one in ranked
    ]
    return Table("segments", "The bridge by segment", columns, rows)


def customers(rows: Sequence[Standing], currency: str, paths: Sequence[str]) -> Table:
    """Those who pay most; `paths` lead to their records where the reader may open them."""
    columns = (
        Column("Customer"),
        Column("Segment"),
        Column("Owner"),
        Column("Since"),
        Column("Subscriptions", COUNT),
        Column("MRR", money(currency)),
    )
    lines = [(e.name, e.segment, e.owner, e.since, e.subscriptions, e.mrr) for e in rows]
    return Table("customers", "Customers who pay most", columns, lines, paths)
