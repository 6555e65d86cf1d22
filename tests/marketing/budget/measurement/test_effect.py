"""What a plan brought is read from revenue, freed of season, within its noise."""

from datetime import date, timedelta
from math import exp

import numpy as np
import pytest

from marketing.budget.measurement import effect
from marketing.budget.measurement.effect import PlanExpectation
from marketing.budget.planner.proposal import Interval

START = date(2026, 1, 5)
WEEK = timedelta(weeks=1)
LIFT = Interval(10.0, 5.0, 15.0)
EXPECTATION = PlanExpectation(START, Interval(1100.0, 1000.0, 1200.0), LIFT)


def week(count):
    return START + count * WEEK


def revenue(level, weeks=4, before=1000.0, history=20):
    return {week(n): before for n in range(-history, 0)} | {week(n): level for n in range(weeks)}


def test_the_yardstick_is_the_present_mix_at_the_same_total():
    assert EXPECTATION.baseline_revenue == pytest.approx(1000)


def test_a_lift_that_came_true_is_inside():
    found = effect.measure_effect(revenue(1100), [week(n) for n in range(4)], EXPECTATION)
    assert found.lift.estimate == pytest.approx(10)
    assert found.lift.low < 10 < found.lift.high
    assert found.inside
    assert not found.season_adjusted
    assert found.noise == effect.MIN_NOISE


@pytest.mark.parametrize("level", [800, 1500])
def test_one_far_off_is_not(level):
    assert not effect.measure_effect(
        revenue(level), [week(n) for n in range(4)], EXPECTATION
    ).inside


def test_no_revenue_at_all_is_a_loss_of_everything():
    found = effect.measure_effect(revenue(0.0), [week(0)], EXPECTATION)
    assert found.lift.estimate == pytest.approx(-100)


def test_a_season_known_from_last_year_does_not_count_as_lift():
    def usual(on):
        return 1000 * exp(0.3 * np.sin(2 * np.pi * on.toordinal() / 364))

    weekly = {week(n): usual(week(n)) for n in range(-60, 0)}
    weekly |= {week(n): 1.1 * usual(week(n)) for n in range(4)}
    expected = 1.1 * usual(START)
    expectation = PlanExpectation(START, Interval(expected, 0.9 * expected, 1.1 * expected), LIFT)
    found = effect.measure_effect(weekly, [week(n) for n in range(4)], expectation)
    assert found.season_adjusted
    assert found.lift.estimate == pytest.approx(10, abs=0.5)


def test_noise_is_read_from_the_steps_so_that_a_trend_is_none():
    draw = np.random.default_rng(1)
    noisy = {week(n): 1000 * exp(0.1 * draw.standard_normal()) for n in range(-52, 0)}
    growing = {week(n): 1000 * 1.01**n for n in range(-52, 0)}
    assert effect.noise(noisy, START) == pytest.approx(0.1, rel=0.3)
    assert effect.noise(growing, START) == effect.MIN_NOISE


def test_harm_is_two_periods_running_below_the_bound():
    weekly = revenue(1100) | {week(2): 800.0, week(3): 800.0}
    window = [week(n) for n in range(4)]
    assert effect.stays_below_bound(weekly, window, EXPECTATION)
    assert not effect.stays_below_bound(weekly | {week(2): 1000.0}, window, EXPECTATION)
    assert not effect.stays_below_bound(weekly, window[:1], EXPECTATION)


def test_the_stated_interval_holds_the_truth_nine_times_in_ten():
    draw, hits, rounds = np.random.default_rng(5), 0, 400
    for _ in range(rounds):
        truth = 10 + draw.standard_normal() * 5 / effect.Z90
        weekly = {week(n): 1000 * exp(0.08 * draw.standard_normal()) for n in range(-52, 0)}
        for n in range(4):
            weekly[week(n)] = 1000 * (1 + truth / 100) * exp(0.08 * draw.standard_normal())
        hits += effect.measure_effect(weekly, [week(n) for n in range(4)], EXPECTATION).inside
    assert 0.85 <= hits / rounds <= 0.95


def test_a_company_without_a_past_is_taken_to_be_quiet():
    assert effect.noise({}, START) == effect.MIN_NOISE
