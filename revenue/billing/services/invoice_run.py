"""Putting a month's invoices forward, and issuing them; each function is one transaction.

But `issue_all`: there each invoice is one, so whatever stops it, it goes on where it stopped.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from aethercrown.severity import WARNING
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome, always
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect
from revenue.billing import invoice_run as due
from revenue.billing import services as billing
from revenue.billing.invoice_run import AUTOMATION, KIND, Estimate
from revenue.billing.models import Closing
from revenue.billing.periods import Month, month
from revenue.billing.reports import invoice_run
from revenue.customers import services as customers
from revenue.mrr.billing_interval import months_before

Stale = decisions.Stale
Refused = customers.Refused

AUTOMATIC = "automatic"
SOURCE, NOT_BILLED = "revenue", "customers_not_billed"
LINK = "/admin/revenue/closing/"
TOLD = 5


@transaction.atomic
def propose(
    currency: str,
    span: Month,
    found: Estimate,
    *,
    mode: str,
    now: datetime,
    run: int | None = None,
) -> Closing:
    """Put a month's invoices forward as a decision; one that was put forward is found again."""
    row, _ = Closing.objects.get_or_create(
        currency=currency, period_start=span.start, defaults={"proposed_at": now}
    )
    if row.decision_id is None:
        _, before = invoice_run.billed(currency, months_before(span.start, 1))
        draft = due.draft(currency, span, found, before, run)
        decision = decisions.propose(draft, mode=mode, now=now)
        row.refresh_from_db()  # in mode auto it has begun
        row.decision = decision
        row.save(update_fields=["decision"])
    return row


def issue_all(row: Closing, *, now: datetime, held: Callable[[], bool] = always) -> bool:
    """Issue what the closing lacks, each invoice in a transaction of its own; whether all is done.

    Whom it cannot bill is kept with the reason, and stops nobody else.
    """
    span = month(row.period_start)
    refused: list[tuple[str, str]] = []
    for customer in invoice_run.each_due(row.currency, span):
        if not held():
            return False
        try:
            billing.issue(customer.pk, span.start, by=AUTOMATIC, now=now)
        except (Refused, *invoice_run.UNRATED) as error:
            refused.append((customer.external_id, str(error)))
    _finish(row, refused, now)
    return True


@transaction.atomic
def _finish(row: Closing, refused: list[tuple[str, str]], now: datetime) -> None:
    row.issued, _ = invoice_run.billed(row.currency, row.period_start)
    row.not_billed, row.finished_at = refused, now
    row.save(update_fields=["issued", "not_billed", "finished_at"])
    if refused:
        told = "; ".join(f"{who}: {why}" for who, why in refused[:TOLD])
        message = f"{len(refused)} customers of {row} were not billed: {told}."
        alerts.raise_alert(
            SOURCE, NOT_BILLED, str(row), WARNING, message, link=f"{LINK}{row.pk}/change/", now=now
        )


def close(
    currency: str, span: Month, *, by: str, now: datetime, held: Callable[[], bool] = always
) -> Closing:
    """A person closes a month now, and once more where some could not be billed.

    What `held` leaves over is issued by the nightly run. Raises Refused where the month runs on,
    nobody is due, or so many that not even the estimate is done in time, and InvalidTransition
    where it was rejected.
    """
    if now.date() < span.end:
        raise Refused("month", f"{span.start:%B %Y} runs until {span.end}; today is {now.date()}.")
    row = Closing.objects.filter(currency=currency, period_start=span.start).first()
    if row is None:
        found = invoice_run.estimate(currency, span, held)
        if found is None:
            message = "There are more customers than can be waited for; the nightly run does it."
            raise Refused("month", message)
        if not (found.customers or found.refused):
            raise Refused("month", f"Nobody is due to pay in {currency} for {span.start:%B %Y}.")
        row = propose(currency, span, found, mode="propose", now=now)
    if row.begun_at is None:
        decisions.approve(row.decision_id or 0, actor=by, now=now)
        row.refresh_from_db()
    issue_all(row, now=now, held=held)
    return row


# --- As a decision ------------------------------------------------------------------------------


def _held(case: DecisionCase) -> Closing:
    currency, start = due.place(case.subject)
    return Closing.objects.select_for_update().get(currency=currency, period_start=start)


def begin(case: DecisionCase) -> None:
    """Approved: the next run of the automation issues them."""
    row = _held(case)
    row.begun_at = timezone.now()
    row.save(update_fields=["begun_at"])


def stop(case: DecisionCase) -> None:
    """Take the approval back, as long as nothing was issued: an invoice stays for ever."""
    row = _held(case)
    count, _ = invoice_run.billed(row.currency, row.period_start)
    if count:
        raise decisions.Stale(f"{count} invoices of {row} were issued; they stay.")
    row.begun_at = row.finished_at = None
    row.save(update_fields=["begun_at", "finished_at"])


def measure(case: DecisionCase, _at: datetime) -> MeasuredEffect | None:
    """What the month came to with what was adjusted since; None until it is issued whole."""
    currency, start = due.place(case.subject)
    row = Closing.objects.filter(currency=currency, period_start=start).first()
    if row is None or row.finished_at is None:
        return None
    count, total = invoice_run.billed(currency, start)
    return due.realised(
        case.expected, total or Decimal(0), invoice_run.adjusted(currency, start), count
    )


def page(_subject: str) -> str:
    return LINK


KINDS = (DecisionType(KIND, "Invoices of a month", begin, stop, measure, path=page),)


# --- By itself ------------------------------------------------------------------------------------


def perform(context: RunContext) -> RunOutcome:
    """Put forward the month that is due in each currency, and issue those that are approved."""
    made = []
    for currency, span in _due(context.now.date()):
        found = invoice_run.estimate(currency, span, context.may_continue)
        if found is not None and (found.customers or found.refused):
            row = propose(
                currency,
                span,
                found,
                mode=context.mode,
                now=context.now,
                run=context.run_id,
            )
            made.append(row.decision_id)
    issued, done = _issue_begun(context)
    words = f"{len(made)} months put forward; {issued} invoices issued, {done} months closed."
    return RunOutcome(words, tuple(each for each in made if each is not None))


def _due(today: date) -> list[tuple[str, Month]]:
    newest = due.due(today, None)
    spans = [
        (currency, due.due(today, invoice_run.last(currency)))
        for currency in (invoice_run.currencies(newest) if newest else [])
    ]
    return [(currency, span) for currency, span in spans if span]


def _issue_begun(context: RunContext) -> tuple[int, int]:
    """How many invoices were issued, and how many months are closed by that."""
    issued = done = 0
    for row in invoice_run.begun():
        before, _ = invoice_run.billed(row.currency, row.period_start)
        done += issue_all(row, now=context.now, held=context.may_continue)
        after, _ = invoice_run.billed(row.currency, row.period_start)
        issued += after - before
    return issued, done


AUTOMATIONS = (AutomationSpec(AUTOMATION, "Issue the month's invoices", perform),)
