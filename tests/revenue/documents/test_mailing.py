"""Invoices are mailed with their PDF; reminders go in steps, and end with the payment."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from operations.automations.registry import RunContext
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from operations.decisions.models import Decision
from operations.messaging import services as outbox
from operations.messaging.models import Message
from revenue.billing.services import credit_notes
from revenue.customers import services as contacts
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from revenue.documents import reports, services
from revenue.documents.models import InvoiceDocument, PaymentReminder, ReminderStep
from revenue.documents.services import AUTOMATIONS, reminders
from tests.revenue.documents.conftest import MARCH, NOW, issue

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DUE = datetime(2026, 5, 4, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(settings):
    settings.EMAIL_URL = "smtp://localhost"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def finance(customer):
    return contacts.add_contact(
        customer.pk, name="Fay", email="fay@example.org", role="finance", locale="de"
    )


@pytest.fixture
def mailed(issuer, details, customer, finance):
    """The document of March's invoice, which its issuer mails."""
    issuer.mails_invoices = True
    issuer.save()
    return issue(customer, MARCH)


def deliver(now=NOW):
    return outbox.deliver_due(clock=lambda: now)


def test_an_invoice_is_mailed_as_pdf_to_the_finance_contact(mailed, customer):
    contacts.add_contact(customer.pk, name="Olaf", email="olaf@example.org", role="owner")
    assert deliver() == 1
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (
        ["fay@example.org"], "Invoice INV-2026-000001 of Crown GmbH",
    )  # fmt: skip
    assert "$111.92, due on 4 May 2026" in sent.body
    assert "IBAN DE00 1234" in sent.body
    ((name, content, kind),) = sent.attachments
    assert (name, kind) == ("INV-2026-000001.pdf", "application/pdf")
    assert content == reports.drawn(mailed)
    (course,) = reports.mailed(mailed)
    assert course.startswith("Invoice INV-2026-000001 of Crown GmbH, to Fay: sent")


def test_a_credit_note_is_mailed_as_well(mailed):
    credit_notes.issue(mailed.invoice_id, None, reason="Outage", by="ada", now=NOW)
    deliver()
    assert mail.outbox[1].subject == "Credit note INV-2026-000002 of Crown GmbH"


def test_unless_the_issuer_mails_nothing_goes_out_until_a_person_says_so(
    numbered, finance, admin_client
):
    assert not Message.objects.exists()
    page = reverse("admin:revenue_invoicedocument_mail", args=[numbered.pk])
    assert "to the finance contacts of Acme" in admin_client.get(page).text
    assert "Queued: 1 mail." in admin_client.post(page, follow=True).text
    change = reverse("admin:revenue_invoicedocument_change", args=[numbered.pk])
    assert "to Fay: queued" in admin_client.get(change).text


def test_without_a_contact_a_person_is_told(numbered, admin_client):
    with pytest.raises(InvalidEntry, match="no active contact who gets invoices"):
        services.mail_again(numbered.pk, now=NOW)
    page = reverse("admin:revenue_invoicedocument_mail", args=[numbered.pk])
    assert "add one with the role finance" in admin_client.post(page, follow=True).text


def test_what_was_erased_is_not_mailed(mailed):
    InvoiceDocument.objects.update(content=None)
    with pytest.raises(InvalidEntry, match="was erased"):
        services.mail_again(mailed.pk, now=NOW)
    assert deliver() == 0
    assert Message.objects.get().error == "The document was erased."
    from revenue.documents.services.mailing import attached  # noqa: PLC0415

    assert attached(f"invoice_document:{mailed.pk}:1") is None
    assert attached("invoice_document:0:1") is None


# --- Reminders ----------------------------------------------------------------------------------


@pytest.fixture
def steps(issuer):
    for days in (3, 10):
        ReminderStep.objects.create(issuer=issuer, days=days)


def remind(days, mode="auto"):
    at = DUE + days * DAY
    with time_machine.travel(at, tick=False):
        run = RunContext(AUTOMATIONS[0].name, None, at, at, mode, dry_run=False)
        return AUTOMATIONS[0].perform(run).summary


def test_reminders_go_in_steps_until_their_cap(numbered, finance, steps):
    said = [remind(days) for days in (2, 3, 4, 10, 40)]
    none, one = "No reminder is due.", "1 reminder proposed."
    assert said == [none, one, none, one, none]
    assert deliver(DUE + 40 * DAY) >= 1
    assert mail.outbox[0].subject == ("Reminder 1: invoice INV-2026-000001 was due on 4 May 2026")
    assert "3 days ago" in mail.outbox[0].body
    assert mail.outbox[0].attachments[0][0] == "INV-2026-000001.pdf"
    assert str(PaymentReminder.objects.first()).endswith("3 days after its due day")
    assert str(ReminderStep.objects.first()) == "3 days after the due day"


def test_what_was_paid_before_the_mail_goes_is_not_asked_for(numbered, finance, steps):
    remind(3)
    with time_machine.travel(DUE + 3 * DAY, tick=False):
        services.mark_paid(numbered.pk, on=DUE.date(), by="ada")
    assert deliver(DUE + 3 * DAY) == 0
    assert Message.objects.get().error == "The invoice is no longer open."
    assert remind(10) == "No reminder is due."


def test_a_person_approves_where_the_automation_only_proposes(numbered, finance, steps):
    remind(3, "propose")
    assert not Message.objects.exists()
    decision = Decision.objects.get()
    assert decision.title == "Remind of 1 invoice on 7 May 2026"
    with time_machine.travel(DUE + 3 * DAY, tick=False):
        decisions.approve(decision.pk, actor="ada", now=DUE + 3 * DAY)
        assert Message.objects.count() == 1
        decisions.roll_back(decision.pk, actor="ada", now=DUE + 3 * DAY)
    assert Message.objects.get().state == "skipped"
    assert not PaymentReminder.objects.exists()


def test_a_reminder_that_went_out_is_not_taken_back(numbered, finance, steps):
    remind(3)
    deliver(DUE + 3 * DAY)
    with pytest.raises(Stale, match="gone out already"):
        decisions.roll_back(Decision.objects.get().pk, actor="ada", now=DUE + 4 * DAY)


def test_an_invoice_without_a_contact_is_counted_and_not_reminded_of(numbered, steps):
    assert remind(3) == "No reminder is due. 1 invoice without a contact."


def test_what_was_decided_of_a_paid_invoice_reminds_nobody(numbered, finance, steps):
    remind(3, "propose")
    services.mark_paid(numbered.pk, on=NOW.date(), by="ada")
    decisions.approve(Decision.objects.get().pk, actor="ada", now=DUE + 3 * DAY)
    assert not PaymentReminder.objects.exists()


def test_the_effect_is_how_many_paid_within_two_weeks(numbered, finance, steps):
    remind(3)
    with time_machine.travel(DUE + 9 * DAY, tick=False):
        services.mark_paid(numbered.pk, on=(DUE + 8 * DAY).date(), by="ada")
    decisions.measure_due(DUE + 16 * DAY)
    decision = Decision.objects.get()
    assert decision.realised is None
    assert reminders.measure(decision.case, DUE + 16 * DAY) is None
    decisions.measure_due(DUE + 18 * DAY)
    decision = Decision.objects.get()
    assert ((decision.realised or {})["value"], decision.verdict) == (1, "inside")
    assert reports.paid_after_reminders((DUE + 30 * DAY).date()) == (1, 1)


def test_a_reminder_asks_for_what_credit_notes_left_and_ends_with_the_last_of_it(
    numbered, finance, steps
):
    """Of $111.92 a note of $50.00 and 19 % tax leaves $52.42."""
    credit_notes.issue(numbered.invoice_id, Decimal(50), by="ada", reason="Outage", now=NOW)
    remind(3)
    deliver(DUE + 3 * DAY)
    reminder = next(each for each in mail.outbox if each.subject.startswith("Reminder"))
    assert "over $52.42 was due" in " ".join(reminder.body.split())
    credit_notes.issue(numbered.invoice_id, None, by="ada", reason="Outage", now=NOW)
    assert remind(10) == "No reminder is due."


def test_invoices_of_a_merged_record_are_reminded_of_at_the_kept_one(numbered, steps, customer):
    kept = Customer.objects.create(external_id="kept", name="Kept", currency="USD")
    contacts.add_contact(kept.pk, name="Fay", email="fay@kept.example", role="finance")
    contacts.merge(kept.pk, customer.pk, now=NOW)
    assert remind(3) == "1 reminder proposed."
    assert deliver(DUE + 3 * DAY) == 1
    assert mail.outbox[0].to == ["fay@kept.example"]


def test_a_step_is_taken_once(numbered, finance, steps):
    remind(3)
    decision = Decision.objects.get()
    Decision.objects.update(status="proposed", applied_at=None)
    with time_machine.travel(DUE + 3 * DAY, tick=False):
        decisions.approve(decision.pk, actor="ada", now=DUE + 3 * DAY)
    assert Message.objects.count() == 1


def test_steps_are_entered_beside_the_issuer(admin_client, issuer):
    page = reverse("admin:revenue_invoiceissuer_change", args=[issuer.pk])
    assert "reminder_steps-TOTAL_FORMS" in admin_client.get(page).text
    assert issuer.mails_invoices is False
