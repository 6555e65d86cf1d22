"""What days on a plan cost beside the fee; whole months as they are quoted."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from revenue.pricing.calculation.inputs import PricingInputs, read_inputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.calculation.plan_use import ONE_MONTH, ListPriced, PlanUse, rate_plan_use
from revenue.pricing.decimals import snapped
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import BookCharge, BookPlan, BookVersion
from revenue.pricing.rating.usage import ActiveDays
from tests.revenue.pricing.price_books import books, uses

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
WORKED = read_inputs(
    {"api_calls": 50000, "storage_gb": 250}, {"daily_active_rate": 0.75, "tenure_months": 18}
)
WHOLE = (ListPriced(ONE_MONTH.whole),)


def part(days):
    return ActiveDays.of_count(JUNE, JULY, days)


def test_the_worked_example_is_billed_as_it_is_quoted():
    found = rate_plan_use(BOOK, PlanUse("professional", ONE_MONTH, WORKED, listed=WHOLE))
    assert found.lines == calculate_price(BOOK, "professional", WORKED).lines[1:]
    assert found.not_given == ("usage_data.user_seats", "engagement_data.feature_adoption_rate")


def test_an_agreed_price_does_not_follow_the_use():
    assert rate_plan_use(BOOK, PlanUse("professional", ONE_MONTH, WORKED)).lines == ()


@given(books(), uses)
def test_a_whole_month_costs_what_is_quoted_and_the_guardrails_count(book, usage):
    inputs = PricingInputs(usage)
    quoted = calculate_price(book, "small", inputs)
    use = PlanUse("small", ONE_MONTH, inputs, listed=WHOLE, fee=quoted.base_price)
    found = rate_plan_use(book, use)
    total = quoted.base_price + sum(each.amount for each in found.lines)
    zeros = {each.metric: Decimal(0) for each in book.plan("small").charges}
    given = calculate_price(book, "small", PricingInputs({**zeros, **usage}))
    assert total == given.final_price
    reverse = PricingInputs(dict(reversed(usage.items())))
    assert repr(rate_plan_use(book, replace(use, inputs=reverse))) == repr(found)


def per_unit(unit):
    charge = BookCharge("calls", "Calls", "per_unit", {"unit": unit})
    return BookVersion("u", 1, "USD", (BookPlan("p", "P", 1, Decimal(0), charges=(charge,)),))


@given(st.integers(1, 30), st.integers(0, 10**6))
def test_a_price_a_unit_is_the_same_for_any_days(days, quantity):
    use = PlanUse(
        "p", part(days), PricingInputs({"calls": Decimal(quantity)}), frozenset({"calls"})
    )
    (line,) = rate_plan_use(per_unit("0.005"), use).lines
    (whole,) = rate_plan_use(per_unit("0.005"), replace(use, days=ONE_MONTH)).lines
    assert line.amount == whole.amount


def test_events_are_scaled_with_their_amount():
    charge = BookCharge("paid", "Paid", "percentage", {"rate": "1", "fixed_per_event": "0.30"})
    book = BookVersion("e", 1, "USD", (BookPlan("p", "P", 1, Decimal(0), charges=(charge,)),))
    inputs = PricingInputs({"paid": Decimal(700), "paid_events": Decimal(7)})
    use = PlanUse("p", part(11), inputs, frozenset(inputs.usage))
    (line,) = rate_plan_use(book, use).lines
    assert line.amount == Decimal("9.10")
    assert "19.09 events" in line.description


def test_snapping_removes_what_two_divisions_left():
    third = Decimal(1) / 3 * 3
    assert snapped(third.quantize(Decimal("1e-20"))) == Decimal("1.00000000000000000000")
