"""The nightly step of prices, and the check that bills and MRR agree."""

from aethercrown.formatting import counted, money, month_text, signed
from aethercrown.severity import CRITICAL
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from revenue.billing.periods import complete_months
from revenue.billing.reports import invoice_run
from revenue.billing.reports.reconciliation import reconciliations
from revenue.billing.services import list_prices

AUTOMATION = "revenue.reconcile_billing"
SOURCE, KIND = "revenue", "billing_differs"
LINK = "/dashboards/revenue"
LISTED = 5


def run_reconciliation(context: RunContext) -> RunOutcome:
    """End trials, coupons and overrides, follow price books, and compare last month's bills.

    A customer whose monthly fees are not their MRR by the ledger, beyond rounding, raises an alert.
    """
    now = context.now
    ended = list_prices.take_due_steps(now=now)
    moved = list_prices.follow_price_books(now=now)
    span = complete_months(now.date(), 1)[0]
    compared, differences = 0, []
    for currency in invoice_run.currencies(span):
        for customer, found in reconciliations(currency, span, context.may_continue):
            compared += 1
            if found.unexplained:
                differences.append(
                    f"{customer.external_id}: {signed(found.unexplained, money(currency))}"
                )
    subject = f"Bills of {month_text(span.start)}"
    if differences:
        named = "; ".join(differences[:LISTED])
        count, month = counted(len(differences), "bill"), month_text(span.start)
        message = f"{count} of {month} not equal MRR: {named}."
        alerts.raise_alert(SOURCE, KIND, subject, CRITICAL, message, link=LINK, now=now)
    elif context.may_continue():  # a run that was stopped has not compared all
        alerts.resolve(SOURCE, KIND, subject, now=now)
    words = (
        f"{counted(compared, 'bill')} of {month_text(span.start)} compared with MRR,"
        f" {counted(len(differences), 'difference')}; {counted(moved, 'list price')} changed,"
        f" {counted(ended, 'term')} ended."
    )
    return RunOutcome(words, (), {"differ": differences[: 4 * LISTED]})


AUTOMATIONS = (
    AutomationSpec(
        AUTOMATION, "Follow price books, and check invoices against MRR", run_reconciliation
    ),
)
