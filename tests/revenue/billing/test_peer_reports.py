"""Bills that users of other billing systems reported as wrong, with the right amounts."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from revenue.billing import invoice_run
from revenue.billing.fees import fee_lines, in_money
from revenue.billing.periods import billing_month
from revenue.customers.plan_terms import PlanTerms, SubscriptionState
from revenue.documents.document import tax_of

D = Decimal
TRIAL, ENDED = SubscriptionState.TRIAL, SubscriptionState.ENDED


def row(on, price, plan="starter", **more):
    return PlanTerms(date.fromisoformat(on), "s1", plan, D(price), **more)


def bills(rows, first, months, digits=2):
    """The sum of each month's lines."""
    span = billing_month(date.fromisoformat(first))
    found = []
    for _ in range(months):
        lines = fee_lines(rows, span, {}, digits)
        found.append(sum((each.amount for each in lines), D(0)))
        span = billing_month(span.end)
    return found


YEAR = {"interval": "year"}


@pytest.mark.parametrize(
    ("rows", "first", "amounts"),
    [
        # Lago 6194: the days left of a quarter are divided by all of its 91 days, not by the rest
        (
            [
                row("2024-04-15", 91, interval="quarter"),
                row("2024-05-20", 910, "professional", interval="quarter"),
            ],
            "2024-04-01",
            ["91", "504", "0", "910"],
        ),
        # Lago 218: from a month to a year, the month counts its own days at its own price
        ([row("2026-06-01", 30), row("2026-06-16", 365, **YEAR)], "2026-06-01", ["380", "0"]),
        # Lago 1695: the day of an upgrade is in the new plan alone
        ([row("2026-06-01", 30), row("2026-06-16", 60)], "2026-06-01", ["45", "60"]),
        # Lago 1022: at the end of a year with a coupon, what was paid for the days left comes back
        (
            [
                row("2026-01-01", 365, coupon_percent=D(20), **YEAR),
                row("2026-07-01", 365, coupon_percent=D(20), state=ENDED, **YEAR),
            ],
            "2026-01-01",
            ["292", "0", "0", "0", "0", "0", "-147.20"],
        ),
        # ERPNext 57768 and 32511: a year from 3 August is twelve months, not eleven or thirteen
        ([row("2026-08-03", 240, **YEAR)], "2026-08-01", ["240", *["0"] * 11, "240"]),
        # Kill Bill 127: begun on the 31st, no month is left out and none is short
        ([row("2026-01-31", 31)], "2026-01-01", ["1", "31", "31", "31"]),
        # BCApps 5718: three days of February are divided by its 28 days
        ([row("2025-02-26", 9)], "2025-02-01", ["0.96", "9"]),
        # silver 200: after a trial that ends in the next month, that month's days count
        (
            [row("2026-01-25", 28, state=TRIAL, trial_until=date(2026, 2, 3))],
            "2026-01-01",
            ["0", "26", "28"],
        ),
        # pointfreeco 193: the quantity counts in a part of a month
        ([row("2026-06-16", 30, quantity=3)], "2026-06-01", ["45", "90"]),
        # Saleor 12040: 19.99 less a quarter is 14.99
        ([row("2026-06-01", "19.99", coupon_percent=D(25))], "2026-06-01", ["14.99"]),
        # PrestaShop 42281: a coupon above the fee leaves nothing, and no cent, in a part of a month
        ([row("2026-06-11", "9.99", quantity=3, coupon_amount=D(30))], "2026-06-01", ["0", "0"]),
    ],
)
def test_the_bill_is_right(rows, first, amounts):
    assert bills(rows, first, len(amounts)) == [D(each) for each in amounts]


def test_a_currency_without_decimals_is_billed_in_whole_units():
    """InvoicePlane 1677, Paymenter 1258, Autumn 1159: yen are neither multiplied nor divided."""
    assert bills([row("2026-06-16", 1999)], "2026-06-01", 2, digits=0) == [1000, 1999]
    assert tax_of(D(1999), D(10), "JPY") == 200


@pytest.mark.parametrize("amount", ["12.345", "0.005", "70.125", "279.165"])
def test_a_credit_is_rounded_as_the_invoice_was(amount):
    """ERPNext 47705 and 41343: half a cent is rounded alike above and below zero."""
    assert in_money(-Fraction(amount), 2) == -in_money(Fraction(amount), 2)
    assert tax_of(-D(amount), D(19), "USD") == -tax_of(D(amount), D(19), "USD")


def test_months_that_no_run_issued_are_due_in_order():
    """Invoice Ninja 3407: a run that comes late does not move the months after it."""
    today, last, found = date(2026, 9, 20), date(2026, 5, 1), []
    while span := invoice_run.due(today, last):
        found.append(span.start)
        last = span.start
    assert found == [date(2026, month, 1) for month in (6, 7, 8)]
