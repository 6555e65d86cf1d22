"""Only the total is known."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from marketing.budget.model import by_total, totals
from marketing.budget.planner import proposal_builder
from marketing.budget.planner.planning import plan
from marketing.budget.planner.request import BudgetRequest, LiftTestResult, PerformanceRow
from tests.benchmarks.budget_accounts import dates, names
from tests.benchmarks.budget_totals import draw_case


def asked(periods=60, channels=3, **more):
    given = draw_case(3, channels, periods, 0.5, 0.0)
    days, spend = dates(periods), given.account.record.spend
    rows = tuple(
        PerformanceRow(name, float(spend[line, at]), None, day)
        for at, day in enumerate(days)
        for line, name in enumerate(names(channels))
    )
    total = tuple(zip(days, given.total.tolist(), strict=True))
    return BudgetRequest(Decimal(10_000), rows, total_revenue=total, **more)


@pytest.fixture(scope="module")
def found():
    return plan(asked(max_change_percent=Decimal(20)))


def test_a_plan_from_totals_adds_up_and_is_only_recommended(found):
    assert sum(found.allocations.values()) == 10_000
    assert found.mode == "aggregate"
    assert not found.auto_applicable
    assert (
        "Only total revenue is known: demand that spend follows can hide in it."
        in (found.reasons_against[-1])
    )
    assert found.method.startswith("aggregate")


def test_the_reader_learns_what_hangs_on_assumptions(found):
    assert set(found.placebo) == {
        "share of revenue / 3", "share of revenue x 3", "revenue shifted by 26 periods"
    }  # fmt: skip
    assert all(0 <= probability <= 1 for probability in found.placebo.values())
    assert any("of the total; returns are modelled" in each for each in found.warnings)
    assert found.backtest is not None


def test_the_same_question_gets_the_same_answer():
    request = asked(40, platform_roi={"channel 0000": 4.0})
    assert plan(request) == plan(request)


def test_all_money_scaled_gives_the_same_shares():
    request = asked(40)
    more = replace(
        request,
        total=request.total * 1000,
        rows=tuple(replace(row, spend=row.spend * 1000) for row in request.rows),
        total_revenue=tuple((day, x * 1000) for day, x in request.total_revenue or ()),
    )
    first, second = plan(request), plan(more)
    for name, amount in first.allocations.items():
        assert float(second.allocations[name]) == pytest.approx(1000 * float(amount), abs=10)


def test_a_lift_test_moves_the_amplitude_and_lifts_the_grade():
    request = asked(60)
    spend = float(np.mean([row.spend for row in request.rows if row.channel == "channel 0001"]))
    tested = replace(
        request, lift_tests=(LiftTestResult("channel 0001", spend, spend * 9, spend / 2),)
    )
    before, after = (by_total.fit_totals(each) for each in (request, tested))
    assert after.roi[1] > before.roi[1]
    assert after.grades[1] == "high"
    assert before.grades[1] == "medium"


def test_few_periods_flat_spend_and_twins_are_named():
    days = dates(20)
    rng = np.random.default_rng(0)
    wave = 1 + 0.02 * rng.random(20)
    rows = tuple(
        PerformanceRow(name, 100 * float(wave[at]), None, day)
        for at, day in enumerate(days)
        for name in "abcd"
    )
    total = tuple((day, 1000.0 + float(rng.random())) for day in days)
    found = plan(BudgetRequest(Decimal(400), rows, total_revenue=total))
    text = " ".join(found.warnings)
    assert "Only 20 periods" in text
    assert "4 channels for 20 periods" in text
    assert "the data say nothing" in text
    assert "correlation 1.00" in text
    assert found.evidence == "low"
    assert found.backtest is None


def test_a_missing_backtest_says_how_many_periods_it_needs():
    assert plan(asked(29)).backtest_note == "No backtest: 29 dated periods, below the 30 it needs."
    assert plan(asked(30)).backtest is not None


def test_draws_that_fit_badly_are_named():
    history, revenue, _ = by_total.build_totals_history(asked(60))
    found = list(by_total.data_weaknesses(history, np.isfinite(revenue), np.full(3, 0.5), 20.4))
    assert found == ["The draws agree badly with the data (effective number 20)."]


def test_spends_that_never_move_are_not_entangled():
    assert by_total.largest_correlation(np.ones((3, 8))) == 0


def test_a_placebo_that_expects_a_lift_is_a_warning():
    fitted = by_total.fit_totals(asked(60))
    probabilities = dict.fromkeys(fitted.alternatives, 0.91)
    (words,) = proposal_builder.placebo_warnings(fitted, probabilities)
    assert words == (
        "Placebo: with revenue shifted by 26 periods a lift is expected too (chance 91%), so "
        "these data do not tell cause from season."
    )
    assert (
        list(proposal_builder.placebo_warnings(fitted, dict.fromkeys(fitted.alternatives, 0.5)))
        == []
    )


def test_a_channel_never_tried_explores():
    request = replace(asked(40), new_channels=("radio",))
    found = plan(request)
    assert found.allocations["radio"] == 500
    assert sum(found.allocations.values()) == 10_000


def test_a_week_whose_total_is_unknown_still_carries_its_spend_over():
    request = asked(40)
    assert request.total_revenue is not None
    gap = replace(request, total_revenue=request.total_revenue[:10] + request.total_revenue[11:])
    history, revenue, _ = by_total.build_totals_history(gap)
    assert np.isnan(revenue[10])
    assert sum(plan(gap).allocations.values()) == 10_000
    assert history.spend.shape == (3, 40)


def test_a_calendar_flag_explains_its_weeks():
    request = asked(60)
    assert request.total_revenue is not None
    days = [day for day, _ in request.total_revenue]
    feast = {days[at]: 1.0 for at in (10, 35)}
    lifted = tuple((day, x * (2.0 if day in feast else 1.0)) for day, x in request.total_revenue)
    plain = replace(request, total_revenue=lifted)
    told = replace(plain, controls={"feast": feast})
    without, with_ = (
        by_total.rolling_backtest(each, *by_total.build_totals_history(each)[:2])
        for each in (plain, told)
    )
    assert without is not None
    assert with_ is not None
    assert with_.wape_percent < without.wape_percent


def test_other_controls_are_standardised():
    values, centre, sd = totals.control_column(np.array([1.0, 2.0, 3.0]))
    assert values.mean() == pytest.approx(0)
    assert values.std() == pytest.approx(1)
    assert (centre, sd) == (0.0, totals.WAVE_SD)
    assert not totals.control_column(np.full(3, 7.0))[0].any()


def test_a_short_history_has_a_level_and_nothing_else():
    days = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(8)]
    assert totals.build_baseline(days, {}).columns.shape == (8, 1)
    days = [date(2026, 1, 5) + timedelta(weeks=week) for week in range(60)]
    assert totals.build_baseline(days, {}).columns.shape == (60, 6)


def test_platform_figures_are_shrunk_to_their_mean_and_below_it():
    log_roi, own, shared = totals.roi_prior({"a": 2.0, "b": 8.0}, "abc", 1.0, 1.0)
    assert np.exp(log_roi) == pytest.approx([0.7 * 8**0.5, 0.7 * 32**0.5, 0.7 * 4])
    assert own.tolist() == [0.4, 0.4, 0.5]
    assert shared == 0.6


def test_many_channels_are_backtested_over_half_a_year():
    few, many = (plan(asked(periods=90, channels=count)).backtest for count in (3, 13))
    assert few
    assert many
    assert few.periods == 4 * by_total.MAX_FOLDS
    assert many.periods == 4 * by_total.MAX_FOLDS_MANY_CHANNELS
