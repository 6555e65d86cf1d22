"""Tables and key figures of prices, quotes and simulations; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aethercrown.formatting import COUNT, PERCENT, Unit, counted, full, money, signed
from aethercrown.history.attribution import shown_actor
from dashboards.tables import Column, Table
from dashboards.tiles import Tile
from revenue.pricing.calculation.simulation import PriceChange, Simulation
from revenue.pricing.rating.rate import PriceLine

if TYPE_CHECKING:
    from revenue.billing.statement import UnbilledUse
    from revenue.customers.reports import PlanMrr
    from revenue.pricing.price_book.comparison import ChangedPrice

TWO_DECIMALS = Unit(digits=2)
KEY = re.compile(r"\b[a-z]+(_[a-z]+)+\b")


def plans(
    rows: Mapping[str, Mapping[str, Any]], currency: str, earned: "Mapping[str, PlanMrr]"
) -> Table:
    """Plans on sale with their base prices, customers and MRR."""
    columns = (
        Column("Plan"),
        Column("Code"),
        Column("Base price a month", money(currency)),
        Column("Customers", COUNT),
        Column("MRR", money(currency)),
        Column("Features", prose=True),
    )
    lines = [
        (
            each["name"],
            code,
            each["base_price"],
            earned[code].customers if code in earned else 0,
            earned[code].mrr if code in earned else 0,
            ", ".join(each["features"]),
        )
        for code, each in rows.items()
    ]
    paths = [f"/dashboards/pricing/plans/{code}" for code in rows]
    return Table("plans", "Plans on sale", columns, lines, paths)


def changes(rows: "Sequence[ChangedPrice]", against: str, version: str) -> Table:
    """What differs between the version in force and another."""
    columns = (Column("What", prose=True), Column(against), Column(version))
    return Table("changes", "What it changes", columns, [tuple(each) for each in rows])


def versions(rows: Sequence[Any]) -> Table:
    """Versions of all books, each linked to its simulation."""
    names = ("Version", "State", "Applies from", "Published at", "Published by")
    lines = [
        (
            str(e),
            e.get_state_display(),
            e.effective_from,
            e.published_at,
            shown_actor(e.published_by),
        )
        for e in rows
    ]
    paths = [f"/dashboards/pricing/versions/{each.pk}" for each in rows]
    return Table("versions", "Versions of price books", tuple(map(Column, names)), lines, paths)


def quotes(rows: Sequence[Any]) -> Table:
    """The newest quotes, each linked to its page."""
    columns = (
        Column("Quote"),
        Column("Plan"),
        Column("Price", TWO_DECIMALS),
        Column("Agreed", TWO_DECIMALS),
        Column("Currency"),
        Column("By"),
    )
    lines = [
        (e.quoted_at, e.plan.name, e.final_price, e.agreed_price, e.currency, e.quoted_by)
        for e in rows
    ]
    paths = [f"/dashboards/pricing/quotes/{each.quote_id}" for each in rows]
    return Table("quotes", "The newest quotes", columns, lines, paths)


def unbilled_use(rows: "Iterable[UnbilledUse]") -> Table:
    """Use that no plan charges, and why."""
    columns = (
        Column("Metric"),
        Column("Quantity", TWO_DECIMALS),
        Column("First day"),
        Column("Last day"),
        Column("Reason", prose=True),
    )
    lines = [(e.metric.replace("_", " "), e.quantity, e.first, e.last, e.reason) for e in rows]
    return Table("unbilled", "Use that is not billed", columns, lines)


def quote_lines(lines: Sequence[PriceLine], currency: str) -> Table:
    """The lines of a quote, with the running price."""
    unit = money(currency)
    columns = (
        Column("Line", prose=True),
        Column("Quantity", COUNT),
        Column("Amount", unit, signs=True),
        Column("Price so far", unit),
    )
    rows: list[tuple[Any, ...]] = []
    running = Decimal(0)
    for each in lines:
        running += each.amount
        rows.append((in_words(each.description), each.quantity, each.amount, running))
    return Table("lines", "Calculation", columns, rows)


def in_words(text: str) -> str:
    """A text without the underscores of metrics' names."""
    return KEY.sub(lambda match: match[0].replace("_", " "), text)


def quote_inputs(inputs: Mapping[str, Mapping[str, str]]) -> Table:
    titles = {"usage_data": "Usage", "engagement_data": "Engagement", "company_data": "Company"}
    rows = [
        (metric.replace("_", " "), titles[part], f"{Decimal(value):f}")
        for part, values in inputs.items()
        for metric, value in values.items()
    ]
    columns = (Column("Metric"), Column("Kind"), Column("Value", TWO_DECIMALS))
    return Table("inputs", "Inputs", columns, rows)


def simulation_figures(found: Simulation) -> list[Tile]:
    unit = money(found.currency, 0)
    share = full(found.break_even_percent, PERCENT)
    return [
        Tile(
            "Revenue now",
            full(found.now, unit),
            f"{counted(found.customers, 'customer')}, by the version in force",
            "The sum of what all customers pay under the version in force.",
        ),
        Tile(
            "Revenue after",
            full(found.then, unit),
            f"{signed(found.then - found.now, unit)} if no customer leaves",
            "The same customers and the same use under this version.",
        ),
        Tile(
            "Pay more",
            f"{found.pay_more:,}",
            f"{found.large_rises:,} by more than 20%; {found.pay_less:,} pay less",
            "Customers whose price rises.",
        ),
        Tile(
            "Break-even loss",
            share,
            "of what those who pay more would pay"
            if found.break_even_percent is not None
            else "There is no gain",
            "The share of their revenue whose loss cancels the gain.",
        ),
    ]


def deciles(found: Simulation) -> Table:
    """Deciles of the price change, from the largest fall to the largest rise."""
    columns = (Column("Customers"), Column("Change", PERCENT, signs=True))
    rows = [(f"{10 * at}%", each) for at, each in enumerate(found.deciles)]
    return Table("deciles", "Change by tenth of customers", columns, rows)


def segments(found: Simulation) -> Table:
    unit = money(found.currency)
    columns = (
        Column("Segment"),
        Column("Customers", COUNT),
        Column("Now", unit),
        Column("After", unit),
        Column("Change", unit, signs=True),
    )
    rows = [
        (each.segment, each.customers, each.now, each.then, each.then - each.now)
        for each in found.segments
    ]
    return Table("segments", "By segment", columns, rows)


def price_changes(key: str, title: str, rows: Iterable[PriceChange], currency: str) -> Table:
    unit = money(currency)
    columns = (
        Column("Customer"),
        Column("Plan"),
        Column("Now", unit),
        Column("After", unit),
        Column("Change", unit, signs=True),
        Column("Change in percent", PERCENT, signs=True),
    )
    lines = [(e.key, e.plan, e.now, e.then, e.delta, e.percent) for e in rows]
    return Table(key, title, columns, lines)


def left_out(found: Simulation) -> Table:
    """Why customers are not priced: one row a reason, with some of the customers."""
    columns = (Column("Why", prose=True), Column("Customers", COUNT), Column("Such as", prose=True))
    rows = [(each.reason, each.customers, ", ".join(each.such_as)) for each in found.left_out]
    return Table("left-out", "Not priced", columns, rows)
