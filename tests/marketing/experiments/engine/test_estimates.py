"""Uplift, rates, promise, means, self-test: worked examples to 1e-9, and their edges."""

from math import inf, log, sqrt

import pytest

from marketing.experiments.engine.error_rate import wrong_claim_rate
from marketing.experiments.engine.estimates import (
    LogRatio,
    PairCounts,
    RateCount,
    rate_ratio,
    weighted_rate,
    wilson,
)
from marketing.experiments.engine.means import (
    ArmSums,
    MeanPair,
    MeanStratum,
    combine,
    critical_z,
    log_e_normal,
    log_normal_cdf,
    mean_evidence,
    mean_limits,
)
from marketing.experiments.engine.promise import (
    Promise,
    in_percent,
    is_kept,
    promise,
    realised_band,
    shrunk,
)
from marketing.experiments.engine.sequential import LogLimits

RAMPED = [PairCounts(18_000, 2_000, 360, 46), PairCounts(5_000, 5_000, 400, 455)]
FINISHED = [
    LogRatio(*each)
    for each in ((0.031, 0.0016), (-0.012, 0.0009), (0.004, 0.0021), (0.058, 0.0013))
]


def known(value):
    """A value that is there."""
    assert value is not None
    return value


def near(value, rel=1e-9, **changes):
    return pytest.approx(value, rel=rel, **changes)


def test_ramped_weights_do_not_make_an_uplift():
    found = known(rate_ratio(RAMPED))
    assert found.percent == near(13.9494963753)
    assert found.variance == near(0.0037813371851)
    control = [RateCount(18_000, 360, 20_000), RateCount(5_000, 400, 10_000)]
    variant = [RateCount(2_000, 46, 20_000), RateCount(5_000, 455, 10_000)]
    assert known(weighted_rate(control)).rate == near(0.04)
    found = known(weighted_rate(variant))
    assert found.rate == near(0.0456666666667, abs=1e-12)
    variance = (2 / 3) ** 2 * 0.023 * 0.977 / 2_000 + (1 / 3) ** 2 * 0.091 * 0.909 / 5_000
    assert found.visitors == near(found.rate * (1 - found.rate) / variance)
    assert not found.is_partial


def test_one_stratum_is_the_ratio_of_the_rates():
    found = known(rate_ratio([PairCounts(10_000, 10_000, 500, 550)]))
    assert found.value == near(log(1.1))
    assert found.variance == near(0.9475 / (1_050 * 550 / 1_050 * 500 / 1_050))
    assert rate_ratio([PairCounts(10, 10, 0, 5)]) is None
    assert rate_ratio([PairCounts(10, 10, 5, 0), PairCounts(10, 0, 5, 0)]) is None
    assert known(rate_ratio([PairCounts(10, 10, 10, 10)])).variance == 0


def test_rates_with_one_stratum_without_visitors_or_without_variance():
    assert weighted_rate([RateCount(0, 0, 5)]) is None
    one = known(weighted_rate([RateCount(50, 5, 100), RateCount(0, 0, 10)]))
    assert (one.rate, one.visitors, one.is_partial) == (0.1, 50, True)
    all_convert = known(weighted_rate([RateCount(5, 5, 10), RateCount(5, 5, 10)]))
    assert (all_convert.rate, all_convert.visitors) == (1, 10)
    assert wilson(0, 1_000) == (near(0, abs=1e-12), near(0.003826758485555125))
    assert wilson(1, 1_000) == (near(0.996173241514445), 1.0)


def test_the_promise_is_shrunk_by_what_other_tests_brought():
    found = LogRatio(log(1.18), 0.003)
    assert in_percent(shrunk(found, [])) == near(14.1767747808)
    assert in_percent(shrunk(found, FINISHED)) == near(7.80671689855)
    assert shrunk(LogRatio(0.2, 0.0099**2), FINISHED) == 0.2
    certain = LogRatio(0.05, 0.0)
    assert shrunk(LogRatio(0.1, 0.01), [certain]) < 0.1


def test_the_promise_stays_inside_the_limits_of_the_sequence():
    found = LogRatio(log(1.18), 0.003)
    assert promise(found, LogLimits(0.15, 0.3), FINISHED).estimate == 0.15
    assert promise(found, LogLimits(0.0, 0.05), FINISHED).estimate == 0.05
    open_ended = promise(found, LogLimits(None, None), FINISHED)
    assert in_percent(open_ended.estimate) == near(7.80671689855)
    assert open_ended.percent == (near(7.80671689855), None, None)
    assert realised_band(open_ended, 0.1) == (None, None)
    assert is_kept(open_ended, -3, 0.1)


def test_a_measurement_has_its_own_error():
    promised = Promise(0.12, 0.02, 0.24)
    assert realised_band(promised, 0.04) == (near(0.00029352565546), near(0.256856274975))
    assert is_kept(promised, 0.05, 0.04)
    assert not is_kept(promised, 0.0, 0.04)
    assert not is_kept(promised, 0.26, 0.04)


REVENUE = [MeanStratum(ArmSums(8_000, 20_400, 520_000), ArmSums(8_100, 24_057, 640_000))]


def test_revenue_is_decided_on_the_difference_and_on_the_log_ratio():
    pair = known(combine(REVENUE))
    assert pair.z == near(3.32249138005)
    information = pair.visitors * 7.936154595587783e-4
    found = mean_evidence(pair)
    assert log_e_normal(pair.z, information) == near(4.49980202481, rel=1e-7)
    assert found.higher == near(4.49664338659)
    assert critical_z(0.04, 12.7772089088) == near(2.87769690501)
    assert critical_z(0.01, 12.7772089088) == near(3.35648899315)
    shown = mean_limits(pair, 0.04, 0.01)
    assert in_percent(known(shown.low)) == near(2.05797159088)
    assert in_percent(known(shown.high)) == near(35.8722392882)


def test_means_without_a_ratio_claim_nothing():
    small = MeanStratum(ArmSums(24, 9, 9), ArmSums(90, 9, 9))
    assert combine([small]) is None
    nothing = known(combine([MeanStratum(ArmSums(30, 0, 0), ArmSums(30, 0, 0))]))
    assert (nothing.z, nothing.log_ratio) == (0, None)
    assert mean_evidence(nothing).higher == -inf
    assert mean_limits(nothing, 0.04, 0.01) == LogLimits(None, None)
    assert MeanPair(1, 2, 0.0, 0.0, 60).log_ratio is None
    both = known(combine([*REVENUE, small]))
    assert both == known(combine(REVENUE))
    two = known(combine([*REVENUE, MeanStratum(ArmSums(40, 60, 200), ArmSums(40, 80, 300))]))
    assert two.visitors == 16_180


def test_the_normal_distribution_function_far_out():
    assert log_normal_cdf(0) == near(log(0.5))
    assert log_normal_cdf(-34.999999) == near(log_normal_cdf(-35.000001), rel=1e-6)
    assert log_normal_cdf(-40) == near(-804.608442013754)
    assert log_normal_cdf(9) == near(0, abs=1e-18)
    assert sqrt(2) > log_normal_cdf(-1)


def test_the_self_test_says_how_often_equal_arms_were_called_different():
    found = wrong_claim_rate(4, 160)
    assert 100 * known(found.rate) == near(2.5)
    assert 100 * found.low == near(0.685274273354)
    assert 100 * found.high == near(6.27706079547)
    assert not found.is_broken(0.95)
    assert wrong_claim_rate(30, 160).is_broken(0.95)
    nothing = wrong_claim_rate(0, 0)
    assert (nothing.rate, nothing.low, nothing.high) == (None, 0.0, 1.0)
    assert wrong_claim_rate(5, 5).high == 1
