"""Which month is issued when, and what its decision promises."""

from datetime import date
from decimal import Decimal

import pytest

from revenue.billing import invoice_run
from revenue.billing.month_preview import MonthPreview
from revenue.billing.periods import billing_month

MARCH = billing_month(date(2026, 3, 1))


@pytest.mark.parametrize(
    ("today", "last", "wanted"),
    [
        (date(2026, 4, 2), None, date(2026, 2, 1)),  # two days are left for late use
        (date(2026, 4, 3), None, date(2026, 3, 1)),
        (date(2026, 4, 3), date(2026, 3, 1), None),
        (date(2026, 4, 3), date(2026, 2, 1), date(2026, 3, 1)),
        (date(2026, 4, 3), date(2025, 11, 1), date(2025, 12, 1)),  # one after the other
    ],
)
def test_a_month_is_due_two_days_after_its_end_and_in_order(today, last, wanted):
    found = invoice_run.due(today, last)
    assert (found and found.start) == wanted


def test_a_subject_names_its_currency_and_month():
    assert invoice_run.parse_subject(invoice_run.subject("USD", MARCH.start)) == (
        "USD",
        MARCH.start,
    )


def test_the_draft_promises_the_previews_and_says_whom_it_cannot_bill():
    found = MonthPreview(2, Decimal("200.00"), [(4, "plan: is unknown")])
    draft = invoice_run.draft("USD", MARCH, found, Decimal(160), 7)
    assert draft.title == "Issue the invoices of March 2026: 2 for $200.00"
    assert (draft.expected.low, draft.expected.estimate, draft.expected.high) == (190, 200, 210)
    assert draft.change_percent == 25
    assert draft.after["not_billed"] == ["customer 4: plan: is unknown"]
    assert [(e.name, e.value, e.passed) for e in draft.guardrails] == [
        ("customers_not_billed", 1, False)
    ]


@pytest.mark.parametrize("before", [None, Decimal(0)])
def test_without_a_month_before_there_is_no_change_in_percent(before):
    assert (
        invoice_run.draft("USD", MARCH, MonthPreview(1, Decimal(9)), before, None).change_percent
        is None
    )


@pytest.mark.parametrize(("adjusted", "inside"), [("0", True), ("10", True), ("10.01", False)])
def test_what_a_month_comes_to_counts_what_was_adjusted_since(adjusted, inside):
    expected = invoice_run.draft("USD", MARCH, MonthPreview(1, Decimal(200)), None, None).expected
    found = invoice_run.realised(expected, Decimal(200), Decimal(adjusted), 1)
    assert (found.value, found.inside) == (200 + float(adjusted), inside)
