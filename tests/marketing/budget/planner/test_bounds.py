"""What a plan may do."""

from decimal import Decimal

import numpy as np
import pytest

from marketing.budget.planner.bounds import allocation_bounds
from marketing.budget.planner.request import BudgetRequest, Infeasible, SpendLimit

NAMES = ("ads", "mail", "post", "radio")
KEEP = np.array([400.0, 300.0, 200.0, 100.0])


def asked(total=1000, **more):
    return BudgetRequest(Decimal(total), (), **more)


def bounds(request, current=KEEP, most=None, largest=1000.0, names=NAMES):
    most = current * 1.5 if most is None else most
    return allocation_bounds(request, names[: len(current)], current, most, largest)


def test_a_plan_stays_between_half_and_double_and_within_twice_what_was_seen():
    found = bounds(asked(), most=np.array([390.0, 300.0, 90.0, 60.0]))
    assert found.low.tolist() == [200, 150, 100, 50]
    assert found.high.tolist() == [780, 600, 180, 120]
    assert found.why_low[0] == "trust region (half its present share)"
    assert not found.outside_data


def test_the_least_share_is_five_percent_unless_told():
    current = np.array([900.0, 90.0, 9.0, 1.0])
    found = bounds(asked(), current)
    assert found.low.tolist() == [450, 50, 50, 50]
    assert found.why_low[3] == "the least share of 5%"
    assert bounds(asked(min_allocation_percent=Decimal(0)), current).low[3] == 0.5


def test_too_many_channels_for_five_percent_share_half():
    current = np.full(25, 40.0)
    found = allocation_bounds(asked(), [f"c{at}" for at in range(25)], current, current, 1000.0)
    assert found.hard_low.tolist() == pytest.approx([20.0] * 25)
    assert "25 channels cannot each have 5%" in found.notes[0]


def test_the_step_limit_is_around_the_present_mix():
    found = bounds(asked(max_change_percent=Decimal(20), min_allocation_percent=Decimal(0)))
    assert found.low == pytest.approx(KEEP * 0.8)
    assert found.high == pytest.approx(KEEP * 1.2)
    assert found.why_high[0] == "the step limit of 20%"


def test_a_limit_holds_against_the_step_limit_and_says_so():
    limits = {"radio": SpendLimit(Decimal(300), None)}
    found = bounds(asked(max_change_percent=Decimal(10), constraints=limits))
    assert found.low[3] == 300
    assert found.low.sum() == pytest.approx(1000)
    assert "Spend limits move 1 channel further" in found.notes[0]


def test_limits_and_steps_that_touch_are_both_kept():
    limits = {
        "radio": SpendLimit(Decimal(105), Decimal(500)),
        "ads": SpendLimit(None, Decimal(390)),
    }
    found = bounds(asked(max_change_percent=Decimal(10), constraints=limits))
    assert (found.low[3], found.high[3]) == pytest.approx((105, 110))
    assert (found.low[0], found.high[0]) == pytest.approx((360, 390))


def test_the_default_least_share_gives_way_to_the_step_limit():
    current = np.array([280.0, *[40.0] * 18])
    found = allocation_bounds(
        asked(max_change_percent=Decimal(1)),
        [f"c{at}" for at in range(19)],
        current,
        current,
        1000.0,
    )
    assert found.low.sum() <= 1000 + 1e-6
    assert "gave way" in found.notes[-1]


def test_a_given_least_share_that_does_not_fit_is_refused_with_both_sums():
    current = np.array([280.0, *[40.0] * 18])
    with pytest.raises(Infeasible) as refused:
        allocation_bounds(
            asked(max_change_percent=Decimal(1), min_allocation_percent=Decimal(5)),
            [f"c{at}" for at in range(19)], current, current, 1000.0,
        )  # fmt: skip
    assert "the minimums add up to" in str(refused.value)
    assert "1,000" in str(refused.value)


def test_maximums_below_the_budget_are_refused():
    limits = {name: SpendLimit(None, Decimal(100)) for name in NAMES}
    with pytest.raises(Infeasible, match="the maximums add up to 400"):
        bounds(asked(constraints=limits))


def test_minimum_and_maximum_alike_hold_a_channel():
    found = bounds(asked(constraints={"ads": SpendLimit(Decimal(123), Decimal(123))}))
    assert (found.low[0], found.high[0]) == (123, 123)
    assert found.why_low[0] == "your minimum"


def test_soft_bounds_give_way_to_hard_ones_and_the_plan_is_marked():
    limits = {name: SpendLimit(None, Decimal(100)) for name in ("ads", "mail", "post")}
    found = bounds(asked(constraints=limits))
    assert found.outside_data
    assert found.high.sum() == pytest.approx(1000)
    limits = {"radio": SpendLimit(Decimal(800), None)}
    found = bounds(asked(constraints=limits))
    assert found.outside_data
    assert found.low.sum() == pytest.approx(1000)


def test_a_budget_beyond_all_that_was_spent_widens_what_was_seen():
    found = bounds(asked(5000), KEEP * 5, most=KEEP, largest=1000.0)
    assert found.high == pytest.approx(KEEP * 10)


def test_a_new_channel_explores_with_a_twentieth():
    current = np.array([500.0, 500.0, 0.0])
    found = bounds(asked(), current)
    assert (found.low[2], found.high[2]) == (50, 50)
    step = bounds(asked(max_change_percent=Decimal(20)), current)
    assert (step.low[2], step.high[2]) == (50, 50)


def test_channels_that_were_all_never_tried_are_free():
    current = np.array([500.0, 500.0])
    found = bounds(asked(max_change_percent=Decimal(20)), current, most=np.zeros(2), largest=0.0)
    assert found.low == pytest.approx([500, 500])
    assert found.high == pytest.approx([1000, 1000])


def test_periods_divide_limits():
    found = bounds(
        asked(4000, budget_periods=4, constraints={"ads": SpendLimit(Decimal(800), Decimal(1200))})
    )
    assert (found.low[0], found.high[0]) == (200, 300)


def test_the_step_limit_is_around_what_is_in_force_where_the_budget_fits_there():
    step = asked(1100, max_change_percent=Decimal(20), min_allocation_percent=Decimal(0))
    scaled = KEEP * 1.1
    found = allocation_bounds(step, NAMES, scaled, KEEP * 2, 1000.0, in_force=KEEP)
    assert found.low == pytest.approx(KEEP * 0.8)
    assert found.high == pytest.approx(KEEP * 1.2)
    assert found.notes == ()


def test_a_budget_beyond_the_step_limit_is_planned_around_its_shares_and_says_so():
    step = asked(2000, max_change_percent=Decimal(20), min_allocation_percent=Decimal(0))
    found = allocation_bounds(step, NAMES, KEEP * 2, KEEP * 3, 1000.0, in_force=KEEP)
    assert found.high == pytest.approx(KEEP * 2 * 1.2)
    assert "too far from the 1,000.00 a period in force for a step of 20%" in found.notes[0]
