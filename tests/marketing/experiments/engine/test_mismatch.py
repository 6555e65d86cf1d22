"""Sample ratio mismatch: worked examples to 1e-9, origin and cause."""

from math import log

import pytest

from marketing.experiments.engine.mismatch import (
    LOG_ALARM,
    ExposureCounts,
    Origin,
    Segment,
    chi_square,
    find_cause,
    log_mismatch,
    origin,
    visitors_by_arm,
)

EQUAL = (0.5, 0.5)


def counts(*visitors, weights=EQUAL):
    return ExposureCounts(weights, visitors)


@pytest.mark.parametrize(
    ("visitors", "weights", "expected"),
    [
        ((5_190, 4_810), EQUAL, 5.32478288188),
        ((5_110, 4_890), EQUAL, 0.460095360074),
        ((5_050, 3_010, 1_940), (0.5, 0.3, 0.2), -1.31961713614),
        ((5_230, 2_950, 1_820), (0.5, 0.3, 0.2), 8.08028270311),
    ],
)
def test_the_evidence_of_a_worked_example(visitors, weights, expected):
    found = log_mismatch([ExposureCounts(weights, visitors)])
    assert found == pytest.approx(expected, rel=1e-9)
    assert (found >= LOG_ALARM) == (expected > log(100))


def test_weights_that_change_are_strata_and_an_arm_without_weight_is_no_arm():
    joined = [
        counts(9_000, 1_000, 0, weights=(0.9, 0.1, 0)),
        counts(5_000, 5_000, 0, weights=(0.5, 0.5, 0)),
    ]
    assert log_mismatch(joined) < 0
    assert chi_square(joined) == 1
    assert log_mismatch([]) == 0
    assert log_mismatch([counts(10, 0, weights=(1, 0))]) == 0
    assert chi_square([counts(10, 0, weights=(1, 0))]) == 1
    assert chi_square([counts(0, 0)]) == 1
    assert chi_square([counts(10_300, 9_700)]) == pytest.approx(2.2090496998585475e-05, rel=1e-9)


def test_wrong_assignments_are_told_from_wrong_exposures():
    assert origin([counts(5_190, 4_810)]) is Origin.ASSIGNMENT
    assert origin([counts(5_000, 5_000)]) is Origin.EXPOSURE


def segments(**changes):
    found = {
        Segment("browser", "Chrome"): [counts(6_000, 6_040)],
        Segment("browser", "Firefox"): [counts(2_000, 1_990)],
        Segment("browser", "Safari"): [counts(3_000, 2_980)],
        Segment("source", "snippet 1.0"): [counts(8_000, 7_990)],
        Segment("source", "python 1.2"): [counts(3_000, 3_020)],
    }
    return found | {Segment(*name.split("__")): each for name, each in changes.items()}


def test_the_browser_that_loses_visitors_is_named():
    found = find_cause(segments(browser__Safari=[counts(3_000, 2_400)]))
    assert [each.segment for each in found.causes] == [Segment("browser", "Safari")]
    assert found.causes[0].visitors == (3_000, 2_400)


def test_a_dimension_that_needs_fewer_values_is_the_cause():
    wrong = segments(
        browser__Safari=[counts(3_000, 2_400)],
        browser__Firefox=[counts(2_000, 1_400)],
        **{"source__snippet 1.0": [counts(8_000, 6_800)]},
    )
    found = find_cause(wrong)
    assert [each.segment.value for each in found.causes] == ["snippet 1.0"]
    assert len(found.suspects) == 3


def test_what_is_wrong_alike_everywhere_has_no_cause():
    alike = {Segment("day", str(day)): [counts(5_300, 4_700)] for day in range(9)}
    found = find_cause(alike)
    assert len(found.suspects) == 9
    assert found.causes == ()
    assert find_cause({}).suspects == ()


def test_visitors_are_summed_over_strata():
    assert visitors_by_arm([counts(1, 2), counts(3, 4)]) == (4, 6)
    assert visitors_by_arm([]) == ()
