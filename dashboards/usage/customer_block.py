"""A customer's metrics beside their limits, and its newest alerts."""

from aethercrown.formatting import PERCENT
from dashboards.customer_blocks import BlockContent, CustomerBlock, ShownCustomer, customer_blocks
from dashboards.tables import Column, Table
from dashboards.usage.tables import QUANTITY
from enterprise.usage.reports import overview

MAX_ROWS = 10


def usage(shown: ShownCustomer) -> BlockContent | None:
    """The metrics as last evaluated, those nearest to their limit first."""
    rows = list(overview.metrics_of(shown.pk)[:MAX_ROWS])
    if not rows:
        return None
    columns = (
        Column("Metric"),
        Column("Used in its period", QUANTITY),
        Column("Limit", QUANTITY),
        Column("Of limit", PERCENT),
        Column("Last event"),
    )
    lines = [(each.metric_name, each.used, each.limit, each.percent, each.last_at) for each in rows]
    tables = [Table("usage", "Usage and limits", columns, lines)]
    alerts = [
        (each.raised_at, each.metric_name, each.percent, each.severity)
        for each in overview.alerts_of(shown.pk)[:MAX_ROWS]
    ]
    if alerts:
        names = (
            Column("Raised"),
            Column("Metric"),
            Column("Threshold", PERCENT),
            Column("Severity", badge=True),
        )
        tables.append(Table("usage-alerts", "Alerts of limits", names, alerts))
    links = [("Usage over time", f"/dashboards/usage/{shown.pk}")]
    return BlockContent(tables=tables, links=links)


def register() -> None:
    customer_blocks.register(CustomerBlock("usage", "Usage", 35, usage))
