"""The whole way, with every edge case of the guide."""

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.core.serializers.json import DjangoJSONEncoder
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marketing.budget.model.by_channel import fit_rows
from marketing.budget.planner import planning
from marketing.budget.planner.planning import plan, prepare
from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
)
from tests.benchmarks.budget_accounts import dates, draw_account, names, request_for
from tests.benchmarks.budget_random_requests import broken_promises, random_request
from tests.benchmarks.budget_simulation import MarketConditions

MONDAY = date(2026, 1, 5)
EXAMPLE = (
    PerformanceRow("search", 5000, 20000),
    PerformanceRow("social", 3000, 9000),
    PerformanceRow("post", 2000, 3000),
)


def of(total, rows=EXAMPLE, **more):
    return BudgetRequest(Decimal(total), tuple(rows), **more)


def weekly(channel, spends, returns=3.0):
    return [
        PerformanceRow(channel, spend, returns * spend, MONDAY + timedelta(weeks=at))
        for at, spend in enumerate(spends)
    ]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_any_question_is_answered_to_the_cent_inside_its_bounds_or_refused(seed):
    held = random_request(seed)
    try:
        fitted = prepare(held)
        found = planning.allocate(fitted)
    except Infeasible:
        with pytest.raises(Infeasible, match=r"add up to|make"):
            plan(held)
    else:
        assert broken_promises(held, found.money, found.bounds) == []
        assert plan(held).allocations == found.money


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(seed, random):
    held = replace(random_request(seed), constraints={}, min_allocation_percent=None)
    assume(len(held.rows) > 1)
    mixed = list(held.rows)
    random.shuffle(mixed)
    dated = all(row.date for row in held.rows)
    assume(dated)
    assert plan(replace(held, rows=tuple(mixed))) == plan(held)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1e-3, 7.0, 1e6]))
def test_scaling_all_money_scales_the_plan(seed, factor):
    held = replace(
        random_request(seed), constraints={}, min_allocation_percent=None, max_change_percent=None
    )
    more = replace(
        held,
        total=held.total * Decimal(str(factor)),
        rows=tuple(replace(r, spend=r.spend * factor, revenue=r.revenue * factor)
                   for r in held.rows),
    )  # fmt: skip
    first, second = planning.allocate(fit_rows(held)), planning.allocate(fit_rows(more))
    assert second.amounts / second.amounts.sum() == pytest.approx(
        first.amounts / first.amounts.sum(), rel=1e-9, abs=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(1.05, 5))
def test_a_better_return_at_equal_spend_never_gets_less(seed, better):
    rng = np.random.default_rng(seed)
    spends = 100 * rng.lognormal(0, 0.3, 12)
    noise = rng.lognormal(0, 0.1, 12)
    rows = [
        PerformanceRow(name, float(s), float(f * 3 * s**0.6 * e), MONDAY + timedelta(weeks=at))
        for name, f in (("worse", 1.0), ("better", better), ("third", 1.5))
        for at, (s, e) in enumerate(zip(spends, noise, strict=True))
    ]
    found = plan(of(300, rows)).allocations
    assert found["better"] >= found["worse"]


def test_of_very_many_channels_only_those_with_the_most_money_have_curves():
    spends = [(f"c{place:03}", 10.0 + place, 3 * (10.0 + place)) for place in range(250)]
    found = plan(of(100_000, [PerformanceRow(*each) for each in spends]))
    assert len(found.channels) == 250
    assert len(found.curves) == 200
    drawn = {each.channel for each in found.curves}
    left_out = [amount for name, amount in found.allocations.items() if name not in drawn]
    assert max(left_out) <= min(found.allocations[name] for name in drawn)


def test_a_call_like_the_contracts_example_says_everything():
    found = plan(of(12_000))
    assert sum(found.allocations.values()) == 12_000
    assert found.allocations["search"] > found.allocations["post"]
    assert found.channel_roi == {"search": 300, "social": 200, "post": 50}
    assert found.evidence == "low"
    assert not found.auto_applicable
    assert "There is no backtest yet." in found.reasons_against
    assert {each.channel: each.evidence for each in found.channels} == dict.fromkeys(
        ["search", "social", "post"], "low"
    )
    first = found.recommendations[0]
    assert first.action in ("increase", "decrease")
    assert "The next USD brings" in first.reason
    assert [len(each.points) for each in found.curves] == [60] * 3
    assert found.curves[0].points[0].revenue == 0
    assert (
        found.expected_revenue.low < found.expected_revenue.estimate < found.expected_revenue.high
    )


def test_a_proposal_goes_into_json_and_money_stays_exact():
    found = plan(of("12000.01"))
    plain = json.loads(json.dumps(asdict(found), cls=DjangoJSONEncoder))
    assert sum(Decimal(each) for each in plain["allocations"].values()) == Decimal("12000.01")
    assert plain["curves"][0]["points"][0]["spend"] == 0
    assert plain["input_digest"] == found.input_digest


def test_one_channel_gets_all_and_promises_nothing():
    found = plan(of(5000, [PerformanceRow("search", 5000, 20000)]))
    assert found.allocations == {"search": 5000}
    assert found.probability_of_lift == 0.5
    assert found.expected_lift_percent.estimate == 0
    assert found.recommendations[0].action == "maintain"
    assert found.next_experiment is None


def test_one_channel_stays_within_its_maximum():
    with pytest.raises(Infeasible, match="the maximums add up to 100"):
        plan(
            of(
                5000,
                [PerformanceRow("search", 5000, 20000)],
                constraints={"search": SpendLimit(max=Decimal(100))},
            )
        )


def test_a_channel_that_brings_nothing_falls_to_its_floor_and_is_no_error():
    found = plan(of(300, [*weekly("good", [100] * 8), *weekly("idle", [200] * 8, 0.0)]))
    assert found.allocations == {"good": 200, "idle": 100}
    assert found.channel_roi["idle"] == -100
    assert any("Spent without any revenue: idle." in each for each in found.warnings)
    idle = next(each for each in found.channels if each.channel == "idle")
    assert idle.saturation_percent == 0


def test_a_channel_never_tried_explores_with_a_twentieth_and_waits_for_a_person():
    rows = [*weekly("a", [100, 120, 90, 110] * 5), *weekly("b", [50, 60, 40, 55] * 5)]
    found = plan(of(200, rows, new_channels=("radio",)))
    assert found.allocations["radio"] == 10
    assert any("Never tried before: radio" in each for each in found.warnings)
    assert any("would begin from nothing" in each for each in found.reasons_against)
    assert found.channel_roi["radio"] == 0


def test_channels_that_all_start_anew_share_equally_and_say_so():
    found = plan(of(100, [PerformanceRow("a", 0, 0), PerformanceRow("b", 0, 0)]))
    assert found.allocations == {"a": 50, "b": 50}
    assert any("not a judgement" in each for each in found.warnings)


def test_equal_channels_keep_the_present_mix():
    rows = [*weekly("a", [300] * 10), *weekly("b", [100] * 10)]
    assert plan(of(400, rows)).allocations == {"a": 300, "b": 100}


def test_names_are_trimmed_and_their_rows_added_up():
    rows = [
        PerformanceRow(" search ", 5000, 9000, MONDAY),
        PerformanceRow("search", 1000, 2000, MONDAY),
    ]
    found = plan(of(100, rows, constraints={"search ": SpendLimit(Decimal(100), Decimal(100))}))
    assert found.allocations == {"search": 100}
    assert found.present == {"search": 6000}


def test_a_budget_far_beyond_all_history_is_planned_flagged_and_never_applied_alone():
    held = request_for(draw_account(2, 52))
    usual = plan(replace(held, present=None))
    budget_ratio = plan(replace(held, total=Decimal(60_000), present=None))
    assert sum(budget_ratio.allocations.values()) == 60_000
    assert any("times the largest ever spent" in each for each in budget_ratio.warnings)
    assert any("times the largest ever spent" in each for each in budget_ratio.reasons_against)
    width = [each.expected_lift_percent.high - each.expected_lift_percent.low
             for each in (usual, budget_ratio)]  # fmt: skip
    assert width[1] > 2 * width[0]


@pytest.mark.parametrize("total", ["1000000000", "0.01", "0.02", "123.45"])
def test_budgets_of_any_size_are_divided_exactly(total):
    found = plan(of(total))
    assert sum(found.allocations.values()) == Decimal(total)


def test_a_currency_without_cents_is_divided_in_whole_units():
    found = plan(of("1001", currency="JPY"))
    assert sum(found.allocations.values()) == 1001
    assert all(amount == int(amount) for amount in found.allocations.values())


def test_a_budget_for_four_periods_is_four_times_that_of_one():
    one, four = plan(of(10_000)), plan(of(40_000, budget_periods=4))
    for name, amount in one.allocations.items():
        assert float(four.allocations[name]) == pytest.approx(4 * float(amount), abs=0.05)
    assert four.expected_revenue.estimate == pytest.approx(
        4 * one.expected_revenue.estimate, rel=0.05
    )
    assert four.present == {name: 4 * amount for name, amount in one.present.items()}


def test_a_small_step_of_a_well_known_company_may_apply_itself():
    found = plan(replace(request_for(draw_account(3, 104)), max_change_percent=Decimal(20)))
    assert found.reasons_against == ()
    assert found.auto_applicable
    assert found.backtest is not None
    assert found.backtest.healthy
    assert found.evidence == "high"
    assert found.next_experiment is not None


def test_the_step_limit_is_around_the_last_applied_plan():
    rows = [*weekly("a", [100] * 10), *weekly("b", [100] * 10, 6.0)]
    present = {"a": Decimal(150), "b": Decimal(50)}
    found = plan(of(200, rows, present=present, max_change_percent=Decimal(20)))
    assert found.allocations == {"a": 140, "b": 60}
    assert found.present == present


def test_a_season_of_last_year_scales_the_revenue_expected():
    held = replace(
        request_for(draw_account(3, 104, conditions=MarketConditions(amp=0.4))), present=None
    )
    season = draw_account(3, 104, conditions=MarketConditions(amp=0.4)).record.season
    days = dates(104)
    high, low = (days[52 + int(each)] + timedelta(days=364)
                 for each in (season[52:].argmax(), season[52:].argmin()))  # fmt: skip
    best, worst = (plan(replace(held, starts_on=day)) for day in (high, low))
    assert best.expected_revenue.estimate > 1.4 * worst.expected_revenue.estimate
    assert best.allocations == worst.allocations
    assert plan(replace(held, starts_on=date(2040, 1, 2))).expected_revenue.estimate > 0


def test_a_season_without_a_year_behind_it_changes_nothing():
    held = request_for(draw_account(3, 30, conditions=MarketConditions(amp=0.4)))
    assert prepare(held).season_factor == 1


def test_two_channels_are_told_that_their_season_is_weak_evidence():
    held = request_for(draw_account(3, 60, 2))
    found = plan(held)
    assert any("the season comes from the calendar alone" in each for each in found.warnings)
    assert all(each.evidence == "medium" for each in found.channels)


def test_incrementality_lowers_what_a_channel_is_credited():
    credited = plan(of(10_000))
    lowered = plan(of(10_000, incrementality={"search": 0.1}))
    assert lowered.allocations["search"] < credited.allocations["search"]
    assert lowered.channel_roi["search"] == pytest.approx(-60)


def test_a_lift_test_counts():
    rows = [*weekly("a", [100] * 12), *weekly("b", [100] * 12)]
    tested = plan(of(200, rows, lift_tests=(LiftTestResult("a", 200, 305, 5),)))
    assert tested.allocations["a"] < 100


def test_undated_rows_have_no_trend_and_no_season():
    rows = [PerformanceRow(name, 100 + at, 300, None) for name in "abc" for at in range(10)]
    found = plan(of(300, rows))
    assert {each.trend for each in found.channels} == {"flat"}
    assert found.backtest is None


def test_names_do_not_matter_to_who_gets_what():
    held = request_for(draw_account(8, 30))
    order = dict(zip(names(6), reversed(names(6)), strict=True))
    turned = replace(
        held,
        rows=tuple(replace(row, channel=order[row.channel]) for row in held.rows),
        present={order[name]: amount for name, amount in (held.present or {}).items()},
    )
    first, second = plan(held).allocations, plan(turned).allocations
    for name, amount in first.items():
        assert float(second[order[name]]) == pytest.approx(float(amount), abs=0.011)


def six_months(channel, spends, returns=3.0):
    return [
        PerformanceRow(
            channel, spends * (1 + (at % 5) / 20), returns * spends, MONDAY + timedelta(weeks=at)
        )
        for at in range(26)
    ]


@pytest.mark.parametrize(("total", "periods"), [(10_000, 1), (40_000, 4)])
def test_a_budget_far_beyond_the_data_stays_within_what_curves_allow(total, periods):
    """No revenue below 0, no lift beyond the ratio of the amounts, evidence low, and why."""
    rows = six_months("a", 400.0) + six_months("b", 300.0, 2.0)
    found = plan(of(total, rows, budget_periods=periods))
    revenue, lift = found.expected_revenue, found.expected_lift_percent
    assert 0 <= revenue.low <= revenue.estimate <= revenue.high <= 3.5 * total
    assert -100 <= lift.low <= lift.high <= 100
    assert found.evidence == "low"
    assert "what it brings was never seen" in found.warnings[-1]


def test_days_under_a_month_s_money_are_told_the_number_of_periods():
    days = [
        PerformanceRow(name, 50.0 + at % 7, 150.0, MONDAY + timedelta(days=at))
        for name in ("a", "b")
        for at in range(60)
    ]
    found = plan(of(3200, days))
    assert found.warnings[-1].endswith(
        "A row is for 1 day: if the budget is for a month, its budget_periods are 30."
    )
    assert "budget_periods" not in " ".join(plan(of(99_999, days)).warnings)
    assert "budget_periods" not in " ".join(plan(of(99_999, EXAMPLE)).warnings)


def test_a_lift_over_next_to_nothing_is_said_to_be_out_of_range():
    rows = six_months("idle", 400.0, 0.0001) + six_months("b", 300.0)
    found = plan(of(700, rows, present={"idle": Decimal(700)}))
    assert found.expected_lift_percent.high == 1000
    assert any("cannot be told in percent" in each for each in found.warnings)
    assert any("cannot be told in percent" in each for each in found.reasons_against)


def test_a_channel_without_any_known_revenue_has_no_roi():
    silent = [
        PerformanceRow("new", 50.0, None, MONDAY + timedelta(weeks=at), is_unknown=True)
        for at in range(3)
    ]
    found = plan(of(800, six_months("a", 400.0) + silent))
    assert found.channel_roi["new"] is None
    assert {each.channel: each.roi_percent for each in found.channels}["new"] is None
    assert not found.auto_applicable


def test_two_spellings_are_one_channel_and_the_plan_says_so():
    rows = six_months("a", 9.0)
    rows[1::2] = [replace(row, channel="A") for row in rows[1::2]]
    found = plan(of(10, [*rows, rows[0]]))
    assert set(found.allocations) == {"a"}
    assert found.warnings[0] == "'A' is read as the channel 'a'."
