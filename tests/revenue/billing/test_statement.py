"""A month's bill: lines that add up, late use, and credits; never below zero."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from revenue.billing.periods import Aggregation, InputGroup, MeterReadings, Month
from revenue.billing.statement import ClosedMonth, CustomerUsage, statement
from revenue.customers.plan_change import PlanChange
from revenue.pricing.decimals import ZERO
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import BookCharge, BookPlan, BookVersion

FEBRUARY = Month(date(2026, 2, 1), date(2026, 3, 1))
MARCH = Month(date(2026, 3, 1), date(2026, 4, 1))
CALLS = BookCharge("api_calls", "Calls", "per_unit", {"unit": "0.01"})
METERED = BookVersion(
    "m", 1, "USD", (BookPlan("basic", "Basic", 1, Decimal(10), charges=(CALLS,)),)
)


def known(plan="basic", **days):
    """Calls by day: d0301=5 is 1 March."""
    read = {date(2026, int(k[1:3]), int(k[3:])): Decimal(v) for k, v in days.items()}
    step = PlanChange(date(2025, 12, 1), "s1", Decimal(10), plan)
    return CustomerUsage(
        None, (step,), {"api_calls": MeterReadings(InputGroup.USAGE, Aggregation.SUM, read)}
    )


def test_the_worked_example_comes_out_of_stored_use():
    use = {
        "api_calls": MeterReadings(
            InputGroup.USAGE, Aggregation.SUM, {date(2026, 3, 9): Decimal(50000)}
        ),
        "storage_gb": MeterReadings(
            InputGroup.USAGE, Aggregation.LAST, {date(2026, 1, 9): Decimal(250)}
        ),
        "daily_active_rate": MeterReadings(
            InputGroup.ENGAGEMENT, Aggregation.MEAN, {date(2026, 3, 9): Decimal("0.75")}
        ),
    }
    since = date(2024, 9, 1)
    step = PlanChange(since, "s1", Decimal(99), "professional")
    found = statement(CustomerUsage(since, (step,), use), MARCH, BOOK)
    assert found.total == Decimal("110.21")
    assert found.not_given == ("usage_data.user_seats", "engagement_data.feature_adoption_rate")


def test_late_use_is_an_adjustment_at_the_closed_months_own_prices():
    dear = replace(METERED, number=2, plans=(replace(METERED.plans[0], base=Decimal(20)),))
    late = known(d0210=150, d0310=0)
    found = statement(late, MARCH, dear, [ClosedMonth(7, FEBRUARY, METERED, Decimal("11.00"))])
    assert [each.kind for each in found.lines] == ["base", "usage", "adjustment"]
    assert found.lines[-1].description == "Adjustment of February 2026"
    assert found.lines[-1].amount == Decimal("0.50")
    assert (found.rated, found.total) == (Decimal("20.00"), Decimal("20.50"))
    assert (found.adjustments[0].month.key, found.adjustments[0].total) == (7, Decimal("11.50"))


def test_a_closed_month_that_stands_makes_no_line():
    found = statement(
        known(d0210=100), MARCH, METERED, [ClosedMonth(7, FEBRUARY, METERED, Decimal("11.00"))]
    )
    assert found.adjustments == ()
    assert found.total == 10


def test_a_correction_below_zero_is_carried_and_taken_from_the_next():
    found = statement(
        known(d0210=0), MARCH, METERED, [ClosedMonth(7, FEBRUARY, METERED, Decimal("35.00"))]
    )
    assert found.total == 0
    assert found.carried == Decimal("15.00")
    following = Month(date(2026, 4, 1), date(2026, 5, 1))
    after = statement(known(d0210=0), following, METERED, (), found.carried)
    assert after.carried == Decimal("5.00")
    assert after.total == 0


def test_a_month_without_a_plan_has_no_lines_of_its_own():
    step = PlanChange(date(2026, 5, 1), "s1", Decimal(10), "basic")
    found = statement(CustomerUsage(None, (step,), {}), MARCH, METERED)
    assert (found.lines, found.total, found.plan_periods) == ((), ZERO, ())


@given(
    first=st.lists(st.integers(0, 10_000), min_size=1, max_size=28),
    late=st.integers(0, 10_000),
    change=st.integers(1, 30),
)
def test_lines_add_up_and_adjusting_later_costs_what_knowing_at_once_would(first, late, change):
    days = {FEBRUARY.start + timedelta(days=place): Decimal(v) for place, v in enumerate(first)}
    moves = (
        PlanChange(date(2026, 1, 1), "s1", Decimal(10), "basic"),
        PlanChange(MARCH.start + timedelta(days=change), "s1", Decimal(12), "basic"),
    )

    def told(values):
        return CustomerUsage(
            None, moves, {"api_calls": MeterReadings(InputGroup.USAGE, Aggregation.SUM, values)}
        )

    early = statement(told(days), FEBRUARY, METERED)
    truth = {**days, FEBRUARY.start: days[FEBRUARY.start] + late}
    closed = [ClosedMonth(1, FEBRUARY, METERED, early.rated)]
    after = statement(told(truth), MARCH, METERED, closed)
    at_once = statement(told(truth), FEBRUARY, METERED)
    plain = statement(told(truth), MARCH, METERED)
    assert early.total + after.total == at_once.total + plain.total
    assert after.total == sum((each.amount for each in after.lines), ZERO)
