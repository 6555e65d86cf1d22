"""The evidence and its limits: worked examples to 1e-9, and what makes it valid at every look."""

from itertools import product
from math import comb, exp, inf, log

import numpy as np
import pytest

from marketing.experiments.engine.claims import EVEN, GAIN, holm, pair_claim
from marketing.experiments.engine.roots import falling_root
from marketing.experiments.engine.sequential import (
    HIGHER,
    LOWER,
    SIZES,
    WIDEST,
    PairStratum,
    evidence,
    limits,
    log_e_value,
    log_prior,
)


def known(value):
    """A value that is there."""
    assert value is not None
    return value


def near(value, **changes):
    return pytest.approx(value, rel=1e-9, **changes)


def test_the_prior_lies_around_the_planned_effect():
    assert SIZES[47] == near(0.088197485259)
    weights = np.exp(log_prior(0.1))
    expected = [0.00176470591127, 0.0476532894528, 0.0479209765672, 0.00176495305087]
    assert weights[[0, 47, 48, 84]] == near(expected)
    assert weights.sum() == near(1)


@pytest.mark.parametrize(
    ("strata", "effect", "higher", "lower"),
    [
        ([(0.5, 0, 412, 489)], 0.1, 2.45054212905, -2.31418046618),
        ([(0.5, 0, 214, 257), (0.2, 0, 655, 196)], 0.1, 3.28981508994, None),
        ([(0.5, 0, 214, 257)], 0.1, 1.35136916145, None),
        ([(0.2, 0, 655, 196)], 0.1, 1.6568479016, None),
        ([(0.5, 0, 48, 61), (0.5, 0.054, 505, 612, 9525, 9358)], 0.1, 5.17961361078, None),
        ([(0.5, 0, 553, 673)], 0.1, 4.60276912521, None),
        ([(0.5, 0, 0, 14)], 0.1, 4.15985053673, None),
        ([(0.5, 0, 0, 14)], 0.5, 5.15242540583, None),
        ([(0.9, 0, 131, 926)], 0.2, -2.42968204948, 2.39167798465),
        ([(0.9, 0.18, 131, 926, 469, 4474)], 0.2, None, 3.0111690618),
    ],
)
def test_the_evidence_of_a_worked_example(strata, effect, higher, lower):
    found = evidence([PairStratum(*each) for each in strata], effect)
    assert higher is None or found.higher == near(higher)
    assert lower is None or found.lower == near(lower)


def test_the_claims_of_the_worked_examples():
    claim = pair_claim(2.45054212905, -2.31418046618, GAIN)
    assert (claim.p_value, claim.direction) == (near(0.107808521147), HIGHER)
    assert pair_claim(3.28981508994, -inf, GAIN).p_value == near(0.0465759233059)
    assert pair_claim(4.15985053673, -1, GAIN).p_value == near(0.0195123635638)
    claim = pair_claim(-2.42968204948, 2.39167798465, EVEN)
    assert (claim.p_value, claim.direction) == (near(0.1829521192), LOWER)
    assert pair_claim(-1, 3.0111690618, EVEN).p_value == near(0.0984681748241)
    assert pair_claim(-inf, -inf, GAIN).p_value == 1
    p_values = [pair_claim(peak, -inf, GAIN).p_value for peak in (5.1, 3.9, 1.2)]
    assert p_values == near([0.00762093320689, 0.0253023893073, 0.37649276489])
    assert holm(p_values) == near([0.0228627996207, 0.0506047786146, 0.37649276489])
    assert holm(p_values[::-1]) == near([0.37649276489, 0.0506047786146, 0.0228627996207])
    assert holm([]) == []


def test_the_shares_swap_where_less_is_better():
    assert (GAIN.swapped.higher, GAIN.swapped.lower) == (0.2, 0.8)
    assert GAIN.error_higher(0.05) == near(0.04)
    assert GAIN.error_lower(0.05) == near(0.01)


def test_the_limits_of_the_worked_examples():
    one = [PairStratum(0.5, 0, 412, 489)]
    found = limits(one, 0.1, 0.04, 0.01)
    assert (found.low, found.high) == (near(-0.0241972327018), near(0.405752529025))
    found = limits(one, 0.1, 0.08, 0.02)
    assert (found.low, found.high) == (near(-0.00251386849975), near(0.387885666399))
    found = limits([PairStratum(0.5, 0, 0, 14)], 0.1, 0.04, 0.01)
    assert (found.low, found.high) == (near(0.184592735757), None)
    found = limits([PairStratum(0.9, 0.18, 131, 926, 469, 4474)], 0.2, 0.025, 0.025)
    assert 100 * (exp(known(found.low)) - 1) == near(-40.285149082)
    assert 100 * (exp(known(found.high)) - 1) == near(5.73497485746)


def test_limits_that_are_never_reached_or_far_out():
    nothing = limits([], 0.1, 0.04, 0.01)
    assert (nothing.low, nothing.high) == (None, None)
    assert limits([PairStratum(0.5, 0, 14, 0)], 0.1, 0.04, 0.01).low is None
    assert limits([PairStratum(0.5, 0, 0, 3_000_000)], 0.1, 0.04, 0.01).low == WIDEST


OUTCOMES = [(0.5, 0.0), (0.3, 0.25), (0.9, 0.6)]


@pytest.mark.parametrize(("share", "base_rate"), OUTCOMES)
@pytest.mark.parametrize("converters", [0, 3, 7])
@pytest.mark.parametrize("others", [0, 5])
def test_equal_arms_leave_the_mean_of_the_evidence_at_one(share, base_rate, converters, others):
    """Every way in which the arms of twelve visitors may be drawn, each with its chance."""
    for side in (HIGHER, LOWER):
        mean = 0.0
        for b, m_b in product(range(converters + 1), range(others + 1)):
            stratum = PairStratum(share, base_rate, converters - b, b, others - m_b, m_b)
            ways = comb(converters, b) * comb(others, m_b)
            chance = ways * share ** (b + m_b) * (1 - share) ** (converters + others - b - m_b)
            mean += chance * exp(log_e_value([stratum], side, 0.1))
        assert mean == pytest.approx(1, abs=1e-12)


def test_swapped_arms_swap_better_and_worse_and_parts_add_up_to_the_whole():
    one = evidence([PairStratum(0.3, 0, 70, 41), PairStratum(0.5, 0, 30, 25)], 0.1)
    other = evidence([PairStratum(0.5, 0, 25, 30), PairStratum(0.7, 0, 41, 70)], 0.1)
    assert (one.higher, one.lower) == (near(other.lower), near(other.higher))
    whole = evidence([PairStratum(0.3, 0.1, 60, 40, 500, 310)], 0.1)
    parts = [PairStratum(0.3, 0.1, 20, 15, 200, 60), PairStratum(0.3, 0.1, 40, 25, 300, 250)]
    assert evidence(parts, 0.1).higher == near(whole.higher)


def test_limits_at_a_value_are_the_evidence_against_it():
    strata = [PairStratum(0.4, 0, 310, 295)]
    low = known(limits(strata, 0.1, 0.04, 0.01).low)
    share = 0.4 * exp(low) / (0.6 + 0.4 * exp(low))
    assert log_e_value([PairStratum(share, 0, 310, 295)], HIGHER, 0.1) == near(log(25))


def test_the_root_of_a_falling_function():
    assert falling_root(lambda x: 2 - x, 0, 4) == 2
    assert falling_root(lambda x: 8 - x**3, -5, 30) == near(2)
    assert falling_root(lambda x: exp(-50 * x) - 1e-9, -1, 12) == near(-log(1e-9) / 50)
    assert falling_root(lambda x: 1.0 if x < 0.3 else -1.0, -12, 12) == near(0.3)


def test_rounding_near_the_zero_does_not_hold_up_the_search():
    calls = []

    def coarse(x):
        calls.append(x)
        return (1e8 + (0.3 - x)) - 1e8

    assert falling_root(coarse, -12, 12) == pytest.approx(0.3, abs=1e-7)
    assert falling_root(lambda x: coarse(x) + 1e-9, -60, 60) == pytest.approx(0.3, abs=1e-7)
    assert len(calls) < 250
