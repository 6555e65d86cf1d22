"""A customer's service level and onboarding."""

from aethercrown.formatting import MISSING, moment_text, percent_text
from dashboards.customer_blocks import BlockContent, CustomerBlock, ShownCustomer, customer_blocks
from dashboards.tables import Column, Table
from enterprise.onboarding.reports import flows as reports
from enterprise.sla import reports as sla

MAX_ROWS = 5


def service(shown: ShownCustomer) -> BlockContent | None:
    """The tier in force with its promise, this month's attainment, and the onboardings."""
    present = sla.assignment(shown.pk)
    rows = list(reports.flows().filter(customer__in=shown.keys)[:MAX_ROWS])
    if present is None and not rows:
        return None
    facts = []
    if present is not None:
        month = sla.attainment(shown.now.date(), customer_id=shown.pk).percent
        facts = [
            ("Tier", present.tier.code),
            ("First response", sla.response_text(present.terms)),
            ("SLA attainment this month", MISSING if month is None else percent_text(month)),
            ("Since", moment_text(present.assigned_at)),
        ]
    columns = (Column("Started"), Column("Status", badge=True), Column("Go-live"))
    lines = [
        (each.started_at, each.status.replace("_", " "), each.completed_at or each.estimated_at)
        for each in rows
    ]
    paths = [f"/dashboards/onboarding/{each.pk}" for each in rows]
    tables = [Table("onboardings", "Onboarding", columns, lines, paths)] if rows else []
    return BlockContent(facts=facts, tables=tables)


def register() -> None:
    customer_blocks.register(CustomerBlock("service", "Service level", 45, service))
