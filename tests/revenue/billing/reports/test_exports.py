"""CSV exports and personal data of billing."""

from datetime import date
from decimal import Decimal

import pytest

from revenue.billing.reports import exports
from revenue.billing.services import credit_notes, invoices
from tests.revenue.billing.conftest import MARCH, NOW, record_calls

pytestmark = pytest.mark.django_db


def test_all_that_is_kept_is_handed_out_and_exported(customer):
    record_calls(customer, d0305=10)
    made = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    credit_notes.issue(made.pk, Decimal(4), reason="Outage", by="ada", now=NOW)
    kept = exports.personal_data([customer.pk])
    assert {name: len(rows) for name, rows in kept.items()} == {
        "daily_use": 1,
        "invoices": 1,
        "adjustments": 0,
        "credit_notes": 1,
        "unbilled_use_choices": 0,
        "credit_entries": 0,
    }
    use, issued, notes, credit = (list(each.rows()) for each in exports.EXPORTERS)
    assert use == [("acme", "api_calls", date(2026, 3, 5), Decimal(10))]
    assert credit == []
    assert notes == [("acme", MARCH, "USD", Decimal(-4), "Outage", NOW)]
    assert issued[0][:2] == ("acme", MARCH)
