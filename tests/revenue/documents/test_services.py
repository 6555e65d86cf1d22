"""Numbers without gaps, documents as they were, payment, and what an erasure spares."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, transaction

from aethercrown.transitions import InvalidTransition
from revenue.billing.models import Invoice
from revenue.billing.periods import billing_month
from revenue.billing.reports.invoice_run import month_preview
from revenue.billing.services import credit_notes, invoices
from revenue.customers import reports as customers
from revenue.customers import services as changing
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from revenue.documents import document, reports, services
from revenue.documents.document import content_from_json
from revenue.documents.models import BillingDetails, InvoiceDocument, InvoiceIssuer, NumberSeries
from tests.revenue.billing.conftest import subscribed
from tests.revenue.documents.conftest import MARCH, NOW, issue

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
AMOUNTS = tuple(map(Decimal, ("94.05", "17.87", "111.92")))  # 99 less 5 %, and 19 %


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


def test_an_invoice_has_number_tax_and_due_date(numbered):
    assert (numbered.number, numbered.state) == ("INV-2026-000001", "open")
    assert (numbered.net, numbered.tax, numbered.gross) == AMOUNTS
    assert numbered.due_on == date(2026, 5, 4)
    printed = content_from_json(numbered.content)
    assert printed.customer.name == "Acme AG"
    assert sum(each.amount for each in printed.lines) == printed.net
    assert reports.drawn(numbered).startswith(b"%PDF-")
    assert str(numbered.issuer.series.get()) == "Crown GmbH, 2026: 1"


def test_numbers_have_no_gap_when_issuing_fails(numbered, customer):
    with pytest.raises(RuntimeError), transaction.atomic():
        _issue_and_fail(customer)
    assert NumberSeries.objects.get().last == 1


def _issue_and_fail(customer):
    invoices.issue(customer.pk, date(2026, 4, 1), by="ada", now=datetime(2026, 5, 2, tzinfo=UTC))
    assert NumberSeries.objects.get().last == 2
    raise RuntimeError


def test_each_year_and_issuer_counts_for_itself(numbered, customer, details):
    later = datetime(2027, 1, 2, tzinfo=UTC)
    made = invoices.issue(customer.pk, date(2026, 4, 1), by="ada", now=later)
    assert InvoiceDocument.objects.get(invoice=made).number == "INV-2027-000001"
    other = InvoiceIssuer.objects.create(name="Crown SARL", address="Paris", country="FR")
    details.issuer = other
    details.save()
    with pytest.raises(InvalidEntry, match="Crown SARL has no tax rate for DE"):
        invoices.issue(customer.pk, date(2026, 5, 1), by="ada", now=later)


def test_without_an_issuer_invoices_have_no_number(customer):
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert not InvoiceDocument.objects.exists()
    assert reports.without_details([customer.pk]) == set()


def test_a_customer_without_billing_details_is_named_before_and_not_billed(issuer, customer):
    found = month_preview("USD", billing_month(MARCH))
    assert found is not None
    assert found.refused == [(customer.pk, "There are no billing details to invoice.")]
    with pytest.raises(InvalidEntry, match="acme has no billing details"):
        invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert not Invoice.objects.exists()


def test_an_invoice_over_nothing_has_no_number(issuer, details, customer):
    changing.change(
        customer.subscriptions.get().pk, on=date(2026, 3, 1), now=NOW, amount=Decimal(0)
    )
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert not InvoiceDocument.objects.exists()


def test_a_credit_note_refers_to_its_invoice_at_its_tax(numbered, customer, details, issuer):
    issuer.tax_rates.update(percent=7)
    details.delete()
    note = credit_notes.issue(
        numbered.invoice_id, Decimal(10), reason="Outage", by="user:1", now=NOW
    )
    made = InvoiceDocument.objects.get(credit_note=note)
    assert (made.number, made.tax, made.gross) == (
        "INV-2026-000002",
        Decimal("-1.90"),
        Decimal("-11.90"),
    )
    assert (made.state, made.due_on) == ("credit", None)
    printed = content_from_json(made.content or {})
    assert (printed.title, printed.refers_to) == ("Credit note", "INV-2026-000001")
    assert printed.customer.name == "Acme AG"


def test_partial_credit_notes_have_the_tax_of_their_sum_and_close_the_invoice(
    customer, details, issuer
):
    """279.16 with 20 % are 334.99; taxed one by one its four parts would be 335.00."""
    issuer.tax_rates.update(percent=20)
    held = customer.subscriptions.get().pk
    changing.change(held, on=MARCH, now=NOW, amount=Decimal("279.16"))
    numbered = issue(customer, MARCH)
    assert numbered.gross == Decimal("334.99")
    taxes = []
    for part in ("68.33", "57.50", "85.00", "68.33"):
        assert InvoiceDocument.objects.get(pk=numbered.pk).state == "open"
        note = credit_notes.issue(
            numbered.invoice_id, Decimal(part), reason="Outage", by="user:1", now=NOW
        )
        taxes.append(InvoiceDocument.objects.get(credit_note=note).tax)
    assert taxes == [Decimal(each) for each in ("-13.67", "-11.50", "-17.00", "-13.66")]
    assert sum(each.gross for each in InvoiceDocument.objects.all()) == 0
    numbered.refresh_from_db()
    assert numbered.state == "credited"
    with pytest.raises(InvalidTransition, match="is credited"):
        services.mark_paid(numbered.pk, on=TODAY, by="user:1")


@pytest.mark.parametrize("net", ["44.05", "0.10", "1.10", "79.99", "33.33"])
def test_any_amount_and_its_tax_add_up_in_every_database(customer, details, issuer, net):
    """44.05 and 8.37 are 52.42, but not in floats, with which SQLite adds decimals."""
    held = customer.subscriptions.get().pk
    changing.change(held, on=MARCH, now=NOW, amount=Decimal(net))
    made = issue(customer, MARCH)
    assert (
        made.gross
        == made.net + made.tax
        == Decimal(net) + document.tax_of(Decimal(net), Decimal(19), "USD")
    )


def test_a_paid_invoice_that_is_credited_stays_paid(numbered):
    services.mark_paid(numbered.pk, on=TODAY, by="user:1")
    credit_notes.issue(numbered.invoice_id, None, reason="Outage", by="user:1", now=NOW)
    numbered.refresh_from_db()
    assert numbered.state == "paid"


def test_a_document_is_paid_once_reopened_and_written_off(numbered):
    paid = services.mark_paid(numbered.pk, on=TODAY, by="user:1", note="by bank")
    assert (paid.state, paid.paid_on, paid.changed_by) == ("paid", TODAY, "user:1")
    assert services.mark_paid(numbered.pk, on=TODAY, by="user:2").changed_by == "user:1"
    with pytest.raises(InvalidTransition, match="INV-2026-000001 is paid"):
        services.write_off(numbered.pk, by="user:1", note="never")
    assert services.reopen(numbered.pk, by="user:1").paid_on is None
    assert services.reopen(numbered.pk, by="user:2").changed_by == "user:1"
    with pytest.raises(InvalidEntry, match="needs its reason"):
        services.write_off(numbered.pk, by="user:1", note=" ")
    assert services.write_off(numbered.pk, by="user:1", note="bankrupt").state == "written_off"
    assert services.write_off(numbered.pk, by="user:2", note="again").payment_note == "bankrupt"


@pytest.mark.parametrize("days", [-1, 1])
def test_a_payment_is_from_the_issue_to_today(numbered, days):
    with pytest.raises(InvalidEntry, match="must be from 2026-04-20 to today"):
        services.mark_paid(numbered.pk, on=TODAY + timedelta(days=days), by="user:1")


def test_an_erasure_spares_documents_for_their_term(numbered, customer):
    assert len(customers.personal_data(customer.pk)["documents"]) == 1
    changing.erase(customer.pk, now=NOW)
    numbered.refresh_from_db()
    assert content_from_json(numbered.content).customer.name == "Acme AG"
    assert reports.kept_until([customer.pk]) == date(2036, 12, 31)
    assert customers.personal_data(customer.pk)["billing_details"] == []
    assert services.forget_expired(date(2036, 12, 31)) == 0
    assert services.forget_expired(date(2037, 1, 1)) == 1
    numbered.refresh_from_db()
    assert reports.kept_until([customer.pk]) is None
    with pytest.raises(reports.NothingPrinted, match="erased after 2036-12-31"):
        reports.drawn(numbered)


def test_documents_are_exported(numbered):
    (row,) = reports.EXPORTERS[0].rows()
    assert list(row)[:2] == ["INV-2026-000001", "acme"]


def test_one_number_is_given_once(numbered):
    numbered.pk, numbered.invoice_id, numbered.number = None, None, "other"
    with pytest.raises(IntegrityError), transaction.atomic():
        numbered.save()


@pytest.mark.django_db(transaction=True)
def test_invoices_issued_at_once_have_numbers_without_a_gap(issuer, details, customer, at_once):
    keys = [customer.pk]
    for count in range(3):
        made = Customer.objects.create(external_id=f"c{count}", name="C", currency="USD")
        subscribed(made)
        BillingDetails.objects.create(customer=made, name="C", address="C", country="DE")
        keys.append(made.pk)
    waiting = iter(keys)

    def act():
        return invoices.issue(next(waiting), MARCH, by="ada", now=NOW)

    assert not [each for each in at_once(act, 4) if isinstance(each, Exception)]
    counts = InvoiceDocument.objects.order_by("count").values_list("count", flat=True)
    assert list(counts) == [1, 2, 3, 4]


def test_what_is_overdue_is_summed_by_currency_until_it_is_paid(numbered):
    assert reports.overdue(numbered.due_on) == []
    later = numbered.due_on + timedelta(days=1)
    [found] = reports.overdue(later)
    assert found == ("USD", numbered.gross, 1, numbered.due_on)
    services.mark_paid(numbered.pk, on=TODAY, by="ada")
    assert reports.overdue(later) == []
