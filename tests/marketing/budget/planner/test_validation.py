"""Every bad field at once, by its path and with its numbers."""

from datetime import date
from decimal import Decimal

import pytest

from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
)
from marketing.budget.planner.validation import MAX_HINTS, validate

MONDAY, SUNDAY = date(2026, 1, 5), date(2026, 1, 11)
ROWS = (PerformanceRow("a", 10, 30), PerformanceRow("b", 20, 30))


def problems(total=100, rows=ROWS, **more):
    with pytest.raises(Infeasible) as refused:
        validate(BudgetRequest(Decimal(total), rows, **more))
    return {(each.field, each.code): each.message for each in refused.value.problems}


def test_a_good_question_passes():
    validate(
        BudgetRequest(
            Decimal("100.50"), ROWS, constraints={"a": SpendLimit(Decimal(1), Decimal(90))}
        )
    )


@pytest.mark.parametrize("total", ["0", "-5", "NaN", "Infinity"])
def test_a_total_that_is_no_budget_is_refused(total):
    assert ("total_budget", "min_value") in problems(total)


def test_a_total_finer_than_its_currency_is_refused():
    assert problems("1.5", currency="JPY") == {
        ("total_budget", "decimals"): "1.5 has more decimals than the 0 of JPY"
    }


def test_no_rows_are_refused():
    assert ("historical_data", "empty") in problems(rows=())


def test_every_bad_row_is_named():
    rows = (
        PerformanceRow(" ", -1, 5),
        PerformanceRow("a", float("nan"), -2),
        PerformanceRow("b", 1, None),
    )
    assert problems(rows=rows) == {
        ("historical_data[0].channel", "blank"): "must name a channel",
        ("historical_data[0].spend", "min_value"): (
            "must be 0 or more; net refunds first (it is \N{MINUS SIGN}1.00)"
        ),
        ("historical_data[1].spend", "invalid"): "must be a finite number, not nan",
        ("historical_data[1].revenue", "min_value"): (
            "must be 0 or more; net refunds first (it is \N{MINUS SIGN}2.00)"
        ),
        ("historical_data[2].revenue", "required"): ("must be given, or total_revenue instead"),
    }


def test_limits_that_cannot_be_met_say_by_how_much():
    low = {"a": SpendLimit(Decimal(80), None), "b": SpendLimit(Decimal("40.50"), None)}
    assert problems(constraints=low) == {
        ("constraints", "minimums_exceed_total"): (
            "the minimums add up to 120.50, 20.50 above the budget of 100"
        )
    }
    high = {"a": SpendLimit(None, Decimal(30)), "b": SpendLimit(None, Decimal(40))}
    assert problems(constraints=high) == {
        ("constraints", "maximums_below_total"): (
            "the maximums add up to 70, 30 below the budget of 100"
        )
    }


def test_a_limit_of_the_wrong_kind_is_named():
    limits = {
        "a": SpendLimit(Decimal(5), Decimal(3)),
        "b": SpendLimit(Decimal(-1), Decimal("1.234")),
        "c": SpendLimit(Decimal("NaN"), None),
    }
    found = problems(constraints=limits)
    assert found["constraints.a", "min_above_max"] == "the minimum 5 is above the maximum 3"
    assert found["constraints.b.min", "min_value"] == "must be 0 or more, not -1"
    assert ("constraints.b.max", "decimals") in found
    assert found["constraints.c", "unknown_channel"] == "'c' has no rows; known are a, b"
    assert ("constraints.c.min", "min_value") in found


def test_a_channel_without_rows_may_be_listed_to_introduce_it():
    validate(
        BudgetRequest(Decimal(100), ROWS, new_channels=("c",), constraints={"c": SpendLimit()})
    )


def test_percents_out_of_range_are_refused():
    found = problems(min_allocation_percent=Decimal(60), max_change_percent=Decimal(0))
    assert found["min_allocation_percent", "minimums_exceed_total"] == (
        "2 channels at 60% each make 120%, above 100%"
    )
    assert ("max_change_percent", "range") in found
    assert ("min_allocation_percent", "range") in problems(min_allocation_percent=Decimal(-1))


def test_present_amounts_and_periods_must_be_amounts():
    found = problems(present={"a": Decimal(-1)}, budget_periods=0)
    assert set(found) == {("present.a", "min_value"), ("budget_periods", "min_value")}


def test_the_present_mix_names_known_channels_as_constraints_do():
    """A name in another case is no channel: its money must not vanish without a word."""
    assert problems(present={"A": Decimal(40), "b": Decimal(60)}) == {
        ("present.A", "unknown_channel"): "'A' has no rows; known are a, b; did you mean 'a'?"
    }


def test_many_unknown_names_are_refused_and_only_the_first_are_compared_with_the_known_ones():
    known = tuple(PerformanceRow(f"channel {n}", 1.0, 2.0) for n in range(40))
    asked = {f"chanel {n}": SpendLimit() for n in range(30)}
    found = list(problems(rows=known, constraints=asked).values())
    assert len(found) == 30
    assert sum("did you mean" in each for each in found) == MAX_HINTS
    assert "did you mean 'channel 0'?" in found[0]
    assert found[-1].endswith(" and 20 others")


def test_factors_must_be_of_known_channels_and_positive():
    found = problems(incrementality={"a": 0.0}, platform_roi={"z": 1.0})
    assert set(found) == {
        ("incrementality.a", "min_value"),
        ("platform_roi.z", "unknown_channel"),
    }


def test_lift_tests_must_be_of_known_channels_and_positive():
    found = problems(lift_tests=(LiftTestResult("z", 1, 1, 1), LiftTestResult("a", 0, 1, 1)))
    assert set(found) == {
        ("lift_tests[0].channel", "unknown_channel"),
        ("lift_tests[1].spend", "min_value"),
    }


def test_totals_need_dates_that_have_spend():
    rows = (PerformanceRow("a", 10, None, MONDAY), PerformanceRow("a", 10, None, None))
    found = problems(rows=rows, total_revenue=((MONDAY, 5.0), (MONDAY, -5.0)))
    assert set(found) == {
        ("historical_data[1].date", "required"),
        ("total_revenue[1].revenue", "min_value"),
        ("total_revenue[1].date", "duplicate"),
        ("total_revenue", "too_few"),
    }


def test_totals_that_are_all_nothing_teach_nothing():
    rows = (PerformanceRow("a", 10, None, MONDAY), PerformanceRow("a", 10, None, SUNDAY))
    found = problems(rows=rows, total_revenue=((MONDAY, 0.0), (SUNDAY, 0.0)))
    assert set(found) == {("total_revenue", "all_zero")}
