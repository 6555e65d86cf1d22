"""Invoices for whole and part periods; the preview is the invoice."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.pricing.calculation.inputs import PricingInputs, read_inputs
from revenue.pricing.calculation.invoice import PlanPeriod, calculate_invoice
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import BookCharge
from tests.revenue.pricing.price_books import books, uses

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
WORKED = read_inputs(
    {"api_calls": 50000, "storage_gb": 250}, {"daily_active_rate": 0.75, "tenure_months": 18}
)


def bill(*stays, book=BOOK, known=WORKED, start=JUNE, end=JULY):
    return calculate_invoice(book, [PlanPeriod(*each) for each in stays], known, start, end)


def test_the_worked_example_is_billed_as_it_is_quoted():
    found = bill(("professional", JUNE, JULY))
    assert found.total == Decimal("110.21")
    assert found.lines == calculate_price(BOOK, "professional", WORKED).lines


def test_a_part_of_the_period_is_a_line_of_its_own():
    found = bill(("starter", date(2026, 6, 11), JULY), known=PricingInputs({}))
    assert [each.amount for each in found.lines] == [29, Decimal("-9.67")]
    assert found.lines[-1].description == "20 of 30 days of starter"


def test_a_change_of_plan_bills_both_for_their_days():
    middle = date(2026, 6, 16)
    stays = [("starter", JUNE, middle), ("professional", middle, JULY)]
    found = bill(*stays, known=PricingInputs({}))
    assert found.total == Decimal("14.50") + Decimal("49.50")


@pytest.mark.parametrize(
    ("start", "end", "off"),
    [
        (date(2028, 2, 1), date(2028, 3, 1), "-14.00"),  # 29 days
        (date(2026, 2, 1), date(2026, 3, 1), "-14.50"),  # 28 days
        (date(2026, 3, 1), date(2026, 4, 1), "-13.10"),  # a clock change lies in it
    ],
)
def test_days_are_whole_days_of_the_period(start, end, off):
    stay = ("starter", start.replace(day=15), end)
    found = bill(stay, known=PricingInputs({}), start=start, end=end)
    assert found.lines[-1].amount == Decimal(off)


CHARGED = replace(
    BOOK,
    plans=tuple(
        replace(
            each,
            charges=(
                BookCharge("calls", "Calls", "graduated", {"tiers": [{"unit": "1", "flat": "5"}]}),
                BookCharge("", "Commitment", "min_commitment", {"commitment": "50"}),
            ),
        )
        for each in BOOK.plans
    ),
)


def test_what_was_not_used_is_zero_and_the_commitment_counts_the_plan():
    found = bill(("starter", JUNE, JULY), book=CHARGED, known=PricingInputs({}))
    assert [each.amount for each in found.lines] == [29, 5, 16]
    part = bill(("starter", date(2026, 6, 16), JULY), book=CHARGED, known=PricingInputs({}))
    assert [each.amount for each in part.lines] == [29, Decimal("-14.50"), 5, Decimal("30.50")]


@pytest.mark.parametrize(
    ("stays", "problem"),
    [
        ([], "plan_periods: an invoice needs a plan"),
        (
            [("starter", JULY, JUNE)],
            "plan_periods[0]: ends before it starts: 2026-07-01 to 2026-06-01",
        ),
        (
            [("starter", date(2026, 5, 1), JULY)],
            "plan_periods[0]: must lie in 2026-06-01 to 2026-07-01",
        ),
        (
            [("starter", JUNE, JULY), ("starter", JUNE, JULY)],
            "plan_periods[1]: must lie in 2026-07-01",
        ),
    ],
)
def test_days_that_cannot_be_are_refused(stays, problem):
    with pytest.raises(InvalidValues) as error:
        bill(*stays)
    assert problem in str(error.value)


def test_a_period_that_ends_before_it_starts_is_refused():
    with pytest.raises(InvalidValues, match="period_end: must be after period_start"):
        bill(("starter", JULY, JULY), start=JULY, end=JUNE)


@given(books(), uses, st.integers(0, 30), st.integers(0, 30))
def test_preview_and_invoice_are_the_same_bytes_and_add_up(book, usage, first, last):
    first, last = sorted((first, last))
    days = [JUNE.fromordinal(JUNE.toordinal() + each) for each in (first, last)]
    preview, final = (
        bill(("small", *days), book=book, known=PricingInputs(known))
        for known in (usage, dict(reversed(usage.items())))
    )
    assert repr(preview) == repr(final)
    assert sum(each.amount for each in final.lines) == final.total
    assert final.total >= 0
