"""Figures of other methods; every one also against worked cases computed with other programs."""

import pytest

from marketing.experiments.classical import comparison, sample_ratio, sample_size, several_arms
from marketing.experiments.classical.samples import (
    PairedSums,
    Sums,
    adjusted,
    mean,
    proportion,
    ratio,
)

CONTROL, VARIANT = proportion(10_000, 500), proportion(10_000, 550)


def known(value):
    """A value that is there."""
    assert value is not None
    return value


def near(value):
    return pytest.approx(value, rel=1e-9)


def test_five_hundred_against_five_hundred_and_fifty_of_ten_thousand():
    relative = known(comparison.contrast(CONTROL, VARIANT, relative=True))
    fixed = comparison.fixed_horizon(relative)
    assert (fixed.value, fixed.p_value) == (near(0.1), near(0.13071772948902693))
    assert known(comparison.pooled_z(10_000, 500, 10_000, 550))[1] == near(0.11291950622436132)
    absolute = known(comparison.contrast(CONTROL, VARIANT, relative=False))
    assert comparison.confidence_sequence(absolute, 20_000).p_value == near(0.9792924040481019)
    bayes = comparison.bayesian(relative, 0.3)
    assert (bayes.chance_to_win, bayes.value) == (
        near(0.9300105508754893),
        near(0.09536120706096754),
    )
    assert bayes.loss_of_keeping - bayes.loss_of_shipping == near(bayes.value)
    assert comparison.bayesian(relative).chance_to_win == near(0.9346490516191892)
    assert comparison.fisher_exact(10_000, 500, 10_000, 550) == near(0.1202659031865508)


def test_what_is_not_defined_is_none():
    assert comparison.contrast(None, VARIANT, relative=True) is None
    assert comparison.contrast(CONTROL, proportion(0, 0), relative=True) is None
    assert comparison.contrast(proportion(10, 0), VARIANT, relative=True) is None
    assert comparison.contrast(CONTROL, proportion(10, 10), relative=False) is None
    assert comparison.pooled_z(0, 0, 10, 5) is None
    assert comparison.pooled_z(10, 0, 10, 0) is None
    one = Sums(1, 1)
    assert mean(1, one) is None
    assert ratio(1, PairedSums(one, one, 1)) is None
    assert ratio(9, PairedSums(one, Sums(0, 0), 0)) is None
    assert adjusted(1, PairedSums(one, one, 1), 9, PairedSums(one, one, 1)) is None
    constant = PairedSums(Sums(5, 9), Sums(9, 9), 5)
    plain = known(adjusted(9, constant, 9, constant))
    assert plain[0].mean == plain[0].scale


def test_several_arms():
    assert several_arms.bonferroni([0.5, 0.01]) == [1.0, 0.02]
    assert several_arms.benjamini_hochberg([0.04, 0.01, 0.03]) == near([0.04, 0.03, 0.04])
    assert several_arms.chi_square_of_rates([10, 10], [0, 0]) == (0.0, 1.0)
    assert several_arms.dunnett([10, 10], [0, 0]) == [1.0]
    found = several_arms.dunnett([20_000] * 4, [1_000, 1_010, 1_150, 880])
    assert found == pytest.approx([0.99176820, 0.00177833, 0.01699323], rel=1e-5)
    one = several_arms.dunnett([500, 500], [50, 70])
    welch = known(comparison.pooled_z(500, 50, 500, 70))[1]
    assert one[0] == pytest.approx(welch, rel=0.01)


def test_how_many_visitors_and_days():
    assert sample_size.visitors_per_arm(0.05, 0.1) == near(31233.437940129952)
    plan = sample_size.planned_duration(0.05, 0.1, 1, 2_000, 7)
    assert (plan.fixed_visitors_per_arm, plan.visitors_per_arm, plan.days) == (31_234, 48_412, 56)
    assert sample_size.planned_duration(0.05, 0.1, 3, 2_000, 7).visitors_per_arm == 59_656


def test_the_sequential_ratio_of_another_program():
    found = sample_ratio.smallest_p_values([(50, 50), (60, 40), (60, 40)], (0.5, 0.5))
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert sample_ratio.log_dirichlet_e_value((0, 0), (0.5, 0.5)) == 0
