"""A credit note takes back what an invoice claimed, once."""

from decimal import Decimal

import pytest
from django.db import Error, transaction

from revenue.billing.models import CreditNote
from revenue.billing.reports import previews
from revenue.billing.services import credit_notes, invoices
from revenue.customers.services import InvalidEntry
from tests.revenue.billing.conftest import APRIL, MARCH, NOW


def credit(invoice, amount=None, reason="Outage"):
    return credit_notes.issue(invoice.pk, amount, reason=reason, by="user:1", now=NOW)


def test_a_note_is_below_zero_names_its_invoice_and_leaves_the_month_billed(customer):
    invoice = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    before, _ = previews.preview(customer, APRIL)
    part = credit(invoice, Decimal("10.50"))
    rest = credit(invoice)
    assert (part.total, rest.total) == (Decimal("-10.50"), Decimal("10.50") - invoice.total)
    assert str(part) == "Credit note for Acme, March 2026"
    assert credit_notes.creditable(invoice) == 0
    assert previews.preview(customer, APRIL)[0].lines == before.lines
    with pytest.raises(Error), transaction.atomic():
        CreditNote.objects.update(total=-1)


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"amount": Decimal(0)}, "amount", "above 0 and at most"),
        ({"amount": Decimal("94.06")}, "amount", "above 0 and at most"),
        ({"amount": Decimal("NaN")}, "amount", "above 0"),
        ({"amount": Decimal("1.005")}, "amount", "USD has 2 decimals"),
        ({"reason": " "}, "reason", "needs its reason"),
    ],
)
def test_a_wrong_amount_or_no_reason_is_refused(customer, given, field, words):
    invoice = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    with pytest.raises(InvalidEntry, match=words) as caught:
        credit(invoice, **given)
    assert caught.value.field == field
    assert not CreditNote.objects.exists()
