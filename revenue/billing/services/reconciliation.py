"""The nightly step of prices, and the check that bills and MRR agree."""

from collections.abc import Sequence
from datetime import datetime

from aethercrown.formatting import counted, money, month_text, signed
from aethercrown.severity import CRITICAL, WARNING
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from revenue.billing.periods import complete_months
from revenue.billing.reports import invoice_run
from revenue.billing.reports.reconciliation import reconciliations
from revenue.billing.services import list_prices
from revenue.customers import services as customers
from revenue.customers.services.scheduled_changes import RecordedChanges

AUTOMATION = "revenue.reconcile_billing"
SOURCE, KIND = "revenue", "billing_differs"
NOT_RECORDED, SCHEDULED_LINK = "scheduled_change_refused", "/admin/revenue/scheduledchange/"
LINK = "/dashboards/revenue"
LISTED = 5


def run_reconciliation(context: RunContext) -> RunOutcome:
    """Record scheduled changes, end trials, coupons and overrides, and compare last month's bills.

    List prices follow their price books in between.

    A customer whose monthly fees are not their MRR by the ledger, beyond rounding, raises an alert.
    """
    now = context.now
    ahead = customers.record_due_changes(now=now)
    _tell_refused(ahead.refused, now)
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
    words += _words_of(ahead)
    return RunOutcome(words, (), {"differ": differences[: 4 * LISTED]})


def _words_of(ahead: RecordedChanges) -> str:
    if not (ahead.recorded or ahead.refused):
        return ""
    count = counted(ahead.recorded, "scheduled change")
    return f" {count} recorded, {len(ahead.refused)} refused."


def _tell_refused(refused: Sequence[tuple[int, str]], now: datetime) -> None:
    """An alert for each scheduled change that could not be recorded on its day."""
    for key, reason in refused:
        message = f"Scheduled change {key} could not be recorded: {reason}"
        link = f"{SCHEDULED_LINK}{key}/change/"
        alerts.raise_alert(SOURCE, NOT_RECORDED, str(key), WARNING, message, link=link, now=now)


AUTOMATIONS = (
    AutomationSpec(
        AUTOMATION, "Follow price books, and check invoices against MRR", run_reconciliation
    ),
)
