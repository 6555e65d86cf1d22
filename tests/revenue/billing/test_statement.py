"""A month's bill: lines that add up, late use, and credits; never below zero."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.billing.periods import Aggregation, InputGroup, MeterReadings, Month
from revenue.billing.statement import ClosedMonth, CustomerUsage, statement
from revenue.customers.plan_terms import PlanTerms, PriceBasis, SubscriptionState
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
    step = PlanTerms(date(2025, 12, 1), "s1", plan, Decimal(10))
    return CustomerUsage(
        None, ((step,),), {"api_calls": MeterReadings(InputGroup.USAGE, Aggregation.SUM, read)}
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
    step = PlanTerms(since, "s1", "professional", Decimal(99), basis=PriceBasis.LIST)
    found = statement(CustomerUsage(since, ((step,),), use), MARCH, BOOK)
    assert found.total == Decimal("110.21")
    assert found.not_given == ("usage_data.user_seats", "engagement_data.feature_adoption_rate")


def test_late_use_is_an_adjustment_at_the_closed_months_own_prices():
    dear = replace(METERED, number=2, plans=(replace(METERED.plans[0], base=Decimal(20)),))
    late = known(d0210=150, d0310=0)
    found = statement(late, MARCH, dear, [ClosedMonth(7, FEBRUARY, METERED, Decimal("11.00"))])
    assert [each.kind for each in found.lines] == ["base", "usage", "adjustment"]
    assert found.lines[-1].description == "Adjustment of February 2026"
    assert found.lines[-1].amount == Decimal("0.50")
    assert (found.rated, found.total) == (Decimal("10.00"), Decimal("10.50"))
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
    after: Any = statement(known(d0210=0), following, METERED, credit=found.carried)
    assert (after.total, after.used_credit, after.carried) == (0, 10, 0)
    assert after.lines[-1].kind == "credit"


def test_a_month_without_a_plan_has_no_lines_of_its_own():
    step = PlanTerms(date(2026, 5, 1), "s1", "basic", Decimal(10))
    found = statement(CustomerUsage(None, ((step,),), {}), MARCH, METERED)
    assert (found.lines, found.total, found.plan_periods) == ((), ZERO, ())


@given(
    first=st.lists(st.integers(0, 10_000), min_size=1, max_size=28),
    late=st.integers(0, 10_000),
    change=st.integers(1, 30),
)
def test_lines_add_up_and_adjusting_later_costs_what_knowing_at_once_would(first, late, change):
    days = {FEBRUARY.start + timedelta(days=place): Decimal(v) for place, v in enumerate(first)}
    moves = (
        PlanTerms(date(2026, 1, 1), "s1", "basic", Decimal(10)),
        PlanTerms(MARCH.start + timedelta(days=change), "s1", "basic", Decimal(12)),
    )

    def told(values):
        return CustomerUsage(
            None, (moves,), {"api_calls": MeterReadings(InputGroup.USAGE, Aggregation.SUM, values)}
        )

    early = statement(told(days), FEBRUARY, METERED)
    truth = {**days, FEBRUARY.start: days[FEBRUARY.start] + late}
    closed = [ClosedMonth(1, FEBRUARY, METERED, early.rated)]
    after = statement(told(truth), MARCH, METERED, closed)
    at_once = statement(told(truth), FEBRUARY, METERED)
    plain = statement(told(truth), MARCH, METERED)
    assert early.total + after.total == at_once.total + plain.total
    assert after.total == sum((each.amount for each in after.lines), ZERO)


# --- Use by the plan in force on its day --------------------------------------------------------

TIERED = {"tiers": [{"up_to": "1000", "unit": "0"}, {"up_to": None, "unit": "0.02"}]}
SEATS = BookCharge("seats", "Seats", "per_unit", {"unit": "5"})


def plan(code, *charges, base=0):
    return BookPlan(code, code.title(), 1, Decimal(base), charges=charges)


def tiered(code, unit):
    rows = [{"up_to": "1000", "unit": "0"}, {"up_to": None, "unit": unit}]
    return plan(code, BookCharge("api_calls", "Calls", "graduated", {"tiers": rows}), SEATS)


PLANS = BookVersion("p", 1, "USD", (tiered("small", "0.10"), tiered("large", "0.02")))


def used(*subscriptions, calls=None, seats=None):
    readings = {
        "api_calls": MeterReadings(InputGroup.USAGE, Aggregation.SUM, calls or {}),
        "seats": MeterReadings(InputGroup.USAGE, Aggregation.LAST, seats or {}),
    }
    return CustomerUsage(None, subscriptions, readings)


def terms(on, plan="small", key="s1", **more):
    return PlanTerms(on, key, plan, **more)


def daily(count, days=31):
    return {MARCH.start + timedelta(days=place): Decimal(count) for place in range(days)}


def use_of(found):
    return [each.amount for each in found.lines if each.kind == "usage"]


START = date(2026, 1, 1)


def test_each_days_use_is_rated_by_the_plan_of_its_day():
    """1,000 a day: of 30 days on small 30,000 - 1,000 x 30/31, of one on large 1,000 - 1,000/31."""
    rows = (terms(START), terms(date(2026, 3, 31), "large"))
    small, _, large, _ = use_of(statement(used(rows, calls=daily(1000)), MARCH, PLANS))
    assert small == Decimal("2903.23")  # (30000 - 967.74) x 0.10
    assert large == Decimal("19.35")  # (1000 - 32.26) x 0.02


def test_an_upgrade_or_a_downgrade_on_the_last_day_moves_that_day_alone():
    calls = daily(1000)
    stays = statement(used((terms(START),), calls=calls), MARCH, PLANS).total
    up = (terms(START), terms(date(2026, 3, 31), "large"))
    down = (terms(START, "large"), terms(date(2026, 3, 31)))
    assert statement(used(up, calls=calls), MARCH, PLANS).total == Decimal("2922.58")
    assert stays == 3000
    assert statement(used(down, calls=calls), MARCH, PLANS).total == Decimal("677.42")


def test_one_day_of_two_subscriptions_moves_that_days_use_alone():
    beside = (
        terms(date(2026, 3, 10), "large", "s2"),
        terms(date(2026, 3, 11), "large", "s2", state=SubscriptionState.ENDED),
    )
    found = statement(used((terms(START),), beside, calls=daily(1000)), MARCH, PLANS)
    assert found.total == Decimal("2922.58")
    assert [each.beside for each in found.overlaps] == [("s1",)]


def test_a_part_of_a_month_has_its_part_of_the_included_units():
    rows = (terms(date(2026, 3, 17)),)  # 15 of 31 days: 483.87 are included
    found = statement(used(rows, calls={date(2026, 3, 20): Decimal(500)}), MARCH, PLANS)
    assert use_of(found)[0] == Decimal("1.61")
    assert "as of a month, for 15 of 31 days" in found.lines[0].description
    assert found.lines[0].quantity == 500


def test_a_charge_may_keep_its_whole_tiers_in_a_part_of_a_month():
    price = {**TIERED, "proration": "whole"}
    book = BookVersion(
        "w", 1, "USD", (plan("small", BookCharge("api_calls", "Calls", "graduated", price)),)
    )
    rows = (terms(date(2026, 3, 17)),)
    found = statement(used(rows, calls={date(2026, 3, 20): Decimal(1100)}), MARCH, book)
    assert use_of(found) == [2]


def test_seats_are_billed_for_the_days_and_not_held_across_a_gap():
    gap = (
        terms(START),
        terms(date(2026, 2, 10), state=SubscriptionState.PAUSED),
        terms(date(2026, 3, 17)),
    )
    seats = {date(2026, 1, 5): Decimal(10)}
    assert use_of(statement(used(gap, seats=seats), MARCH, PLANS)) == [0, 0]
    known = {**seats, date(2026, 3, 20): Decimal(4)}
    assert use_of(statement(used(gap, seats=known), MARCH, PLANS))[1] == Decimal("9.68")
    held = use_of(statement(used((terms(START),), seats=seats), MARCH, PLANS))
    assert held[1] == 50


@pytest.mark.parametrize(
    ("aggregation", "months"),
    [
        (Aggregation.SUM, [100, 0]),
        (Aggregation.LAST, [20, 20]),
        (Aggregation.MAX, [80, 0]),
        (Aggregation.MEAN, [50, 0]),
    ],
)
def test_what_a_month_was_billed_for_is_not_billed_again(aggregation, months):
    """16 on 5 March and 4 on 20 March, at 5 each; nothing in April."""
    price = replace(SEATS, price={"unit": "5", "proration": "whole"})
    book = BookVersion("a", 1, "USD", (plan("small", price), plan("large", price)))
    days = {date(2026, 3, 5): Decimal(16), date(2026, 3, 20): Decimal(4)}
    readings = {"seats": MeterReadings(InputGroup.USAGE, aggregation, days)}
    april = Month(date(2026, 4, 1), date(2026, 5, 1))

    def billed(span, *rows):
        return use_of(statement(CustomerUsage(None, (rows,), readings), span, book))

    assert billed(MARCH, terms(START)) + billed(april, terms(START)) == months
    paused = terms(date(2026, 3, 25), state=SubscriptionState.PAUSED)
    assert billed(april, terms(START), paused, terms(april.start)) == [0]
    upgrade = terms(date(2026, 3, 17), "large")
    assert billed(MARCH, terms(START), upgrade) == [80, 20]


def test_pay_as_you_go_is_billed_at_a_price_of_zero():
    found = statement(used((terms(START),), calls=daily(100)), MARCH, PLANS)
    assert found.total == 210
    assert [each.kind for each in found.lines] == ["usage", "usage"]


def test_use_in_a_trial_is_free_unless_the_charge_says_otherwise():
    trial = (terms(START, state=SubscriptionState.TRIAL, trial_until=date(2026, 3, 17)),)
    found: Any = statement(used(trial, calls=daily(100)), MARCH, PLANS)
    assert use_of(found)[0] == Decimal("101.61")  # 1,500 of 15 days, 483.87 included
    assert [(each.quantity, each.reason) for each in found.unbilled] == [(1600, "trial")]
    price = {"unit": "0.01", "in_trial": "charged"}
    charged = BookVersion(
        "t", 1, "USD", (plan("small", BookCharge("api_calls", "Calls", "per_unit", price)),)
    )
    found = statement(used(trial, calls=daily(100)), MARCH, charged)
    assert sorted(use_of(found)) == [15, 16]


def test_use_after_the_end_and_in_a_free_plan_is_shown_as_unbilled():
    rows = (
        terms(START, state=SubscriptionState.FREE),
        terms(date(2026, 3, 11), state=SubscriptionState.ENDED),
    )
    found: Any = statement(used(rows, calls=daily(1)), MARCH, PLANS)
    assert (found.lines, found.plan_periods) == ((), ())
    assert [(each.quantity, each.reason) for each in found.unbilled] == [
        (10, "free"),
        (21, "no plan in force"),
    ]


def test_a_list_price_follows_the_use_of_its_own_days_with_quantity_and_coupon():
    rows = (
        PlanTerms(START, "s1", "professional", Decimal(99), basis=PriceBasis.LIST, quantity=2,
                  coupon_percent=Decimal(50)),
    )  # fmt: skip
    whole = statement(used(rows, calls=daily(1000)), MARCH, BOOK)
    assert [each.amount for each in whole.lines] == [198, -99, Decimal("9.90")]
    first = (*rows, terms(date(2026, 3, 17), "", state=SubscriptionState.ENDED))
    part = statement(used(first, calls=daily(1000)), MARCH, BOOK)
    assert part.lines[-1].amount == Decimal("5.11")  # 9.90 x 16/31: as many calls a day
    assert part.lines[-1].description == "api_calls of 31000: x 1.1, 16 of 31 days"


def test_a_commitment_counts_the_days_fee_and_charges():
    committed = BookCharge("", "Commitment", "min_commitment", {"commitment": "62"})
    book = BookVersion("c", 1, "USD", (plan("small", committed),))
    rows = (terms(date(2026, 3, 17), price=Decimal(31)),)
    found = statement(used(rows), MARCH, book)
    assert [each.amount for each in found.lines] == [15, 15]
    year = (terms(date(2026, 3, 17), price=Decimal(365), interval="year"),)
    assert statement(used(year), MARCH, book).lines[-1].amount == 15


def test_what_a_merged_record_was_billed_is_taken_off():
    found: Any = statement(known(), MARCH, METERED, billed_before=Decimal("4.00"))
    assert (found.rated, found.total) == (6, 6)
    assert found.lines[-1].kind == "billed_before"


@given(st.integers(1, 30), st.lists(st.integers(0, 3000), min_size=31, max_size=31))
def test_a_change_of_price_alone_never_changes_what_use_costs(day, calls):
    days = {MARCH.start + timedelta(days=place): Decimal(v) for place, v in enumerate(calls)}
    plain = (terms(START),)
    changed = (*plain, terms(MARCH.start + timedelta(days=day), price=Decimal(7)))
    both = [use_of(statement(used(rows, calls=days), MARCH, PLANS)) for rows in (plain, changed)]
    assert both[0] == both[1]
