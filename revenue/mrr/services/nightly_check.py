"""The nightly automation: roll up the ledger, check it, and raise or resolve the alert."""

from aethercrown.severity import CRITICAL
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from revenue.mrr.reports import consistency
from revenue.mrr.services.rollups import roll_up
from revenue.pricing.decimals import count_text

AUTOMATION = "revenue.check_mrr"
SOURCE, KIND, SUBJECT = "revenue", "ledger_differs", "MRR ledger"
LINK = "/dashboards/revenue"
LISTED = 5  # differences named in the alert


def check_mrr(context: RunContext) -> RunOutcome:
    """Recompute the ledger from the subscriptions and raise an alert where it differs.

    The roll-ups are brought up to date and compared with their rows; wrong ones are rebuilt.
    """
    now = context.now
    added = roll_up(now=now)
    wrong = consistency.wrong_rollups()
    if wrong:
        roll_up(now=now, rebuild=True)
    count, differences = consistency.differing_customers(context.may_continue, LISTED)
    if count:
        message = f"Customers that differ: {count:,}. {'; '.join(differences)}."
        alerts.raise_alert(SOURCE, KIND, SUBJECT, CRITICAL, message, link=LINK, now=now)
    else:
        alerts.resolve(SOURCE, KIND, SUBJECT, now=now)
    differ = f"Customers that differ from their subscriptions: {count:,}"
    summary = f"{differ if count else 'The ledger is correct'}; {count_text(added, 'row')} summed"
    rebuilt = f"; the monthly sums were rebuilt: {wrong[0]} was wrong" if wrong else ""
    return RunOutcome(f"{summary}{rebuilt}.", (), {"differ": differences})


AUTOMATIONS = (
    AutomationSpec(AUTOMATION, "Check the MRR ledger against the subscriptions", check_mrr),
)
