"""Remind of unpaid invoices, in the steps of their issuer: proposed as one decision a day."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from aethercrown.formatting import counted, date_text
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail
from operations.messaging import services as messaging
from revenue.customers import reports as customers
from revenue.customers import services as contacts
from revenue.documents import mail_texts, reports
from revenue.documents.document import DocumentState, content_from_json
from revenue.documents.models import InvoiceDocument, PaymentReminder
from revenue.documents.reminder_steps import LEVEL, expected_paid

AUTOMATION, KIND = "revenue.payment_reminders", "revenue.payment_reminders"
SUBJECT = "payment reminders "
PAID_WITHIN = timedelta(days=14)
METHOD = "steps of the issuer; 1"
MOST_A_DAY = 200
LINK = "/admin/revenue/invoicedocument/?state__exact=open"


def remind(run: RunContext) -> RunOutcome:
    """Propose the reminders that are due today."""
    today = run.now.date()
    due = reports.due_reminders(today)
    written = [each for each in due if each.has_recipient]
    nobody = len(due) - len(written)
    said = f" {counted(nobody, 'invoice')} without a contact." if nobody else ""
    if not written:
        return RunOutcome(f"No reminder is due.{said}")
    rows = {each.number: each.days for each in written}
    decision = decisions.propose(_draft(rows, today, run.run_id), mode=run.mode, now=run.now)
    return RunOutcome(f"{counted(len(rows), 'reminder')} proposed.{said}", (decision.pk,))


def _draft(rows: Mapping[str, int], today: date, run: int | None) -> Draft:
    estimate, low, high = expected_paid(len(rows), *reports.paid_after_reminders(today))
    noun = counted(len(rows), "invoice")
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=f"{SUBJECT}{today}",
        title=f"Remind of {noun} on {date_text(today)}",
        before={},
        after={"days_after_due": rows},
        inputs_digest=digest({"reminders": rows, "on": str(today)}),
        method=METHOD,
        expected=ExpectedEffect(
            "invoices paid within 14 days", estimate, low, high, LEVEL, PAID_WITHIN, "invoices"
        ),
        guardrails=(
            Guardrail("reminders_per_day", MOST_A_DAY, len(rows), len(rows) <= MOST_A_DAY),
        ),
        run_id=run,
    )


def send(case: DecisionCase) -> None:
    """Queue the decided reminders of invoices that are still open; each step once."""
    now = timezone.now()
    for number, days in case.after["days_after_due"].items():
        row = reports.documents().select_for_update(of=("self",)).get(number=number)
        if row.state == DocumentState.OPEN and row.content is not None:
            _remind(row, days, now)


def _remind(row: InvoiceDocument, days: int, now: datetime) -> None:
    made, is_new = PaymentReminder.objects.get_or_create(
        document=row, days=days, defaults={"queued_at": now}
    )
    if not is_new:
        return
    step = row.reminders.count()
    given = mail_texts.reminder_values(
        content_from_json(row.content or {}),
        step,
        timezone.localdate(now),
        reports.outstanding(row),
    )
    for contact in customers.recipients(reports.owner_of(row), *reports.INVOICE_ROLES):
        key = f"{mail_texts.REMINDER_KEY}{row.pk}:{made.pk}:{contact.pk}"
        contacts.write_to(contact, mail_texts.REMINDER, key, given, now=now)


def cancel_reminders(case: DecisionCase) -> None:
    """Take back the reminders that were not handed over yet. Raises Stale where all were."""
    taken = 0
    for number, days in case.after["days_after_due"].items():
        row = PaymentReminder.objects.filter(document__number=number, days=days).first()
        taken += 0 if row is None else _cancel_reminder(row)
    if not taken:
        raise Stale("Every reminder has gone out already.")


@transaction.atomic
def _cancel_reminder(row: PaymentReminder) -> int:
    """How many of its mails were taken back; without any left, the step counts as not taken."""
    keys = reports.reminder_keys(row)
    now = timezone.now()
    taken = sum(messaging.cancel(key, reason="Taken back.", now=now) for key in keys)
    if taken == len(keys):
        row.delete()
    return taken


def measure(case: DecisionCase, at: datetime) -> MeasuredEffect | None:
    """How many of the reminded invoices were paid within 14 days; None before they are over."""
    if case.applied_at is None or at < case.applied_at + PAID_WITHIN:
        return None
    until = timezone.localdate(case.applied_at + PAID_WITHIN)
    numbers = list(case.after["days_after_due"])
    paid = InvoiceDocument.objects.filter(
        number__in=numbers, state=DocumentState.PAID, paid_on__lte=until
    ).count()
    inside = case.expected.low <= paid <= case.expected.high
    detail: dict[str, Any] = {"reminded": len(numbers)}
    return MeasuredEffect(float(paid), None, None, detail, inside=inside)


KINDS = (
    DecisionType(
        KIND, "Payment reminders", send, cancel_reminders, measure, path=lambda _subject: LINK
    ),
)
AUTOMATIONS = (AutomationSpec(AUTOMATION, "Remind of unpaid invoices", remind),)
