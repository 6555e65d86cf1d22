"""From closed counts to winner, limits and state."""

from math import inf, log

import pytest

from marketing.experiments.engine.bandit import bandit_weights, chances_to_be_best, may_change
from marketing.experiments.engine.decision import (
    ArmCounts,
    DecisionPlan,
    ExperimentState,
    GateCounts,
    LookStratum,
    base_rate,
    by_weights,
    describe_state,
    is_changing,
    passes_gates,
    shown_limits,
    take_look,
    within_planned_effect,
)
from marketing.experiments.engine.estimates import RateCount
from marketing.experiments.engine.sequential import HIGHER, LOWER, LogLimits

PLAN = DecisionPlan()


def known(value):
    """A value that is there."""
    assert value is not None
    return value


def stratum(*arms, weights=None, rate=0.0):
    share = weights or (1 / len(arms),) * len(arms)
    return LookStratum(share, rate, tuple(ArmCounts(*each) for each in arms))


def gates(strata, with_value=0):
    arms = range(len(strata[0].arms))
    closed = [sum(each.arms[arm].visitors for each in strata) for arm in arms]
    return [GateCounts(each, each, with_value) for each in closed]


def look(*strata, plan=PLAN, before=None, with_value=0):
    return take_look(plan, strata, gates(strata, with_value), before or {})


def state(result, **changes):
    usual = {"is_invalid": False, "closed_visitors": 9_000, "unlinked": 0, "is_overdue": False}
    return describe_state(result, PLAN, **usual | changes)


def test_a_clear_difference_has_a_winner_with_limits_that_exclude_none():
    found = look(stratum((10_000, 500), (10_000, 700)))
    assert found.verdict.winner == 1
    assert found.verdict.claims == {1: HIGHER}
    assert found.verdict.is_significant
    pair = found.pairs[1]
    assert known(pair.ratio).value == pytest.approx(log(1.4))
    assert 0 < pair.own_limits.low < pair.own_promise_limits.low < log(1.4)
    shown = shown_limits(pair.progress.limits, pair.own_limits, HIGHER)
    assert shown == pair.own_limits
    assert state(found) is ExperimentState.WINNER


def test_a_claim_stays_and_limits_run_on():
    first = look(stratum((10_000, 500), (10_000, 700)))
    later = look(stratum((40_000, 2_000), (40_000, 2_000)), before=first.progress)
    assert later.verdict.winner == 1
    assert later.verdict.p_value == first.verdict.p_value
    progress = later.pairs[1].progress
    assert progress.limits.low == first.pairs[1].own_limits.low
    assert is_changing(progress.limits)
    shown = shown_limits(progress.limits, later.pairs[1].own_limits, HIGHER)
    assert (shown.low, shown.high) == (0.0, later.pairs[1].own_limits.high)


def test_nothing_is_compared_before_the_gates():
    few = look(stratum((999, 10), (999, 500)))
    assert few.verdict.winner is None
    assert few.verdict.p_value == 1
    assert few.pairs[1].evidence is None
    assert few.pairs[1].own_limits == LogLimits(None, None)
    assert state(few) is ExperimentState.TOO_EARLY
    assert passes_gates(PLAN, GateCounts(1_000, 1_000))
    assert not passes_gates(PLAN, GateCounts(999, 1_000))
    assert not passes_gates(DecisionPlan(is_mean=True), GateCounts(1_000, 1_000, 24))


def test_the_learning_stretch_gives_the_base_rate_of_what_follows():
    assert base_rate(2_000, 101) == 0.051
    assert base_rate(10, 10) == 0.99
    early, late = (
        stratum((1_000, 48), (1_000, 61)),
        stratum((10_030, 505), (9_970, 612), rate=0.054),
    )
    found = look(early, late)
    assert known(found.pairs[1].evidence).higher == pytest.approx(5.17961361078, rel=1e-9)
    merged = by_weights([early, late])
    assert merged == [stratum((11_030, 553, 0, 0), (10_970, 673, 0, 0))]


def test_several_variants_are_adjusted_and_the_best_wins_with_those_it_is_not_above():
    tied = look(stratum((10_000, 500), (10_000, 690), (10_000, 700), (10_000, 505)))
    assert tied.verdict.winner == 2
    assert tied.verdict.tied_with == (1,)
    assert set(tied.verdict.claims) == {1, 2}
    assert tied.verdict.adjusted[1] >= tied.verdict.p_values[1]
    alone = look(stratum((10_000, 500), (10_000, 700), (10_000, 1_200)))
    assert (alone.verdict.winner, alone.verdict.tied_with) == (2, ())


def test_the_control_wins_where_every_variant_is_worse():
    worse = look(stratum((20_000, 1_500), (20_000, 1_000), (20_000, 900)))
    assert worse.verdict.winner == 0
    one = look(stratum((20_000, 1_500), (20_000, 1_000), (20_000, 1_480)))
    assert (one.verdict.winner, one.verdict.claims) == (None, {1: LOWER})
    shown = shown_limits(one.pairs[1].progress.limits, one.pairs[1].own_limits, LOWER)
    assert known(shown.high) < 0


def test_where_less_is_better_the_directions_swap():
    plan = DecisionPlan(lower_is_better=True)
    found = look(stratum((10_000, 700), (10_000, 500), (10_000, 480)), plan=plan)
    assert (found.verdict.winner, found.verdict.tied_with) == (2, (1,))
    none = look(stratum((10_000, 700), (10_000, 0)), plan=plan)
    assert (none.verdict.winner, none.pairs[1].ratio) == (1, None)


def test_a_control_without_converters_is_still_tested():
    found = look(stratum((1_000, 0), (1_000, 14)))
    assert found.verdict.p_value == pytest.approx(0.0195123635638, rel=1e-9)
    assert (found.verdict.winner, found.pairs[1].ratio) == (1, None)
    both = look(stratum((1_000, 0), (1_000, 14), (1_000, 40)))
    assert both.verdict.winner == 2


def test_an_arm_that_came_later_is_compared_only_where_it_had_weight():
    old = stratum((50_000, 2_500), (50_000, 2_500), (0, 0), weights=(0.5, 0.5, 0.0))
    new = stratum((9_000, 900), (9_000, 900), (9_000, 905))
    found = look(old, new)
    assert found.pairs[2].ratio.value == pytest.approx(log(905 / 900))
    assert found.verdict.winner is None


MEAN = DecisionPlan(is_mean=True)


def test_revenue_needs_values_and_is_decided_like_conversions():
    arms = stratum((8_000, 900, 20_400, 520_000), (8_100, 990, 24_057, 640_000))
    found = look(arms, plan=MEAN, with_value=900)
    assert found.verdict.winner == 1
    assert found.verdict.p_value == pytest.approx(0.0139329347459, rel=1e-9)
    early = look(arms, plan=MEAN, with_value=24)
    assert early.verdict.winner is None


def test_revenue_ties_and_strata_too_small_to_compare():
    three = stratum(
        (8_000, 900, 20_400, 520_000), (8_100, 990, 29_057, 640_000), (8_100, 990, 29_100, 640_000)
    )
    found = look(three, plan=MEAN, with_value=900)
    assert (found.verdict.winner, found.verdict.tied_with) == (2, (1,))
    small = look(stratum((9, 1, 1, 1), (9, 1, 1, 1)), plan=MEAN, with_value=30)
    assert small.pairs[1].ratio is None
    apart = [
        stratum((8_000, 900, 20_400, 520_000), (8_100, 990, 29_057, 640_000), (0, 0),
                weights=(0.5, 0.5, 0)),
        stratum((8_000, 900, 20_400, 520_000), (0, 0), (8_100, 990, 29_100, 640_000),
                weights=(0.5, 0, 0.5)),
    ]  # fmt: skip
    split = look(*apart, plan=MEAN, with_value=900)
    assert (split.verdict.winner, split.verdict.tied_with) == (2, (1,))
    gated_small = take_look(
        MEAN, [stratum((9, 1, 1, 1), (9, 1, 1, 1))], [GateCounts(2_000, 2_000, 30)] * 2, {}
    )
    assert known(gated_small.pairs[1].evidence).higher == -inf
    assert gated_small.verdict.p_value == 1


def test_the_state_says_where_a_test_stands():
    leading = look(stratum((1_000, 50), (1_000, 55)))
    assert state(leading) is ExperimentState.LEADING
    assert state(leading, is_overdue=True) is ExperimentState.INCONCLUSIVE
    assert state(leading, is_invalid=True) is ExperimentState.INVALID
    nothing = look(stratum((0, 0), (0, 0)))
    assert state(nothing, closed_visitors=0) is ExperimentState.COLLECTING
    assert state(nothing, closed_visitors=0, unlinked=7) is ExperimentState.UNLINKED
    same = look(stratum((300_000, 30_000), (300_000, 30_000)))
    assert state(same) is ExperimentState.NO_DIFFERENCE


def test_limits_shown_without_a_claim_hold_no_difference():
    own = LogLimits(0.1, 0.3)
    assert shown_limits(own, own, None) == LogLimits(0.0, 0.3)
    assert shown_limits(LogLimits(None, -0.1), own, None) == LogLimits(None, 0.0)
    assert shown_limits(LogLimits(-0.3, None), own, None) == LogLimits(-0.3, None)
    assert shown_limits(LogLimits(None, None), own, LOWER) == LogLimits(None, 0.0)
    assert not within_planned_effect(LogLimits(None, 0.0), 0.1)
    assert not within_planned_effect(LogLimits(-0.2, 0.0), 0.1)


def test_a_bandit_gives_each_arm_a_floor_and_more_to_the_best():
    arms = [RateCount(1_000, 50, 0), RateCount(1_000, 90, 0), RateCount(1_000, 52, 0)]
    chances = chances_to_be_best(arms, seed=5)
    assert sum(chances) == pytest.approx(1)
    assert chances[1] > 0.99
    assert chances == chances_to_be_best(arms, seed=5)
    weights = bandit_weights(chances)
    assert (sum(weights), weights[1]) == (100, 80)
    assert bandit_weights([0.5, 0.5]) == [50, 50]
    assert sum(bandit_weights([1 / 7] * 7)) == 100
    assert may_change(arms)
    assert not may_change([*arms, RateCount(99, 9, 0)])
