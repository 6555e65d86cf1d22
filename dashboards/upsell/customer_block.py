"""A customer's upsell opportunities and offers, and the decisions about them."""

from aethercrown.formatting import money
from dashboards.customer_blocks import BlockContent, CustomerBlock, ShownCustomer, customer_blocks
from dashboards.decisions.views import newest_table
from dashboards.tables import Column, Table
from dashboards.upsell.tables import KIND_TITLES
from operations.decisions import reports as decisions
from revenue.upsell import reports

MAX_ROWS = 10


def offers(shown: ShownCustomer) -> BlockContent | None:
    """The newest opportunities with their decisions."""
    rows = reports.of_customers(shown.keys, MAX_ROWS)
    if not rows:
        return None
    columns = (
        Column("Opportunity"),
        Column("Found at"),
        Column("State", badge=True),
        Column("Plan"),
        Column("Gain a month", money(shown.currency), signs=True),
    )
    lines = [
        (
            KIND_TITLES.get(each.kind, each.kind),
            each.found_at,
            each.state,
            each.recommended_plan,
            each.gain,
        )
        for each in rows
    ]
    paths = [f"/dashboards/upsell/{each.pk}" for each in rows]
    tables = [Table("offers", "Opportunities", columns, lines, paths)]
    decided = list(decisions.about(reports.decision_subjects(rows)).reverse()[:MAX_ROWS])
    if decided:
        tables.append(newest_table(decided))
    return BlockContent(tables=tables)


def register() -> None:
    customer_blocks.register(CustomerBlock("upsell", "Upsell", 40, offers))
