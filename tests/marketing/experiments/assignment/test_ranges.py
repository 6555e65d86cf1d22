"""Deterministic arms: vectors of another product, and the fewest moved buckets."""

from itertools import pairwise

import pytest

from marketing.experiments.assignment.hashing import (
    BUCKETS,
    bucket,
    fnv1a,
    fraction,
    is_held_out,
    is_in_namespace,
)
from marketing.experiments.assignment.ranges import (
    arm_of,
    bucket_counts,
    changed_ranges,
    chosen_arm,
    coverage_ranges,
    first_ranges,
    size,
)


def test_the_hash_is_fnv1a():
    assert fnv1a("") == 0x811C9DC5
    assert fnv1a("foobar") == 0xBF9CF968
    assert bucket("seed", "b") == 2_696
    assert fraction("seed", "b", 2) == 0.2696
    assert fraction("b", "a", 1) == 0.946
    assert fraction("abc", "def", 99) is None


def test_parts_of_a_namespace_exclude_each_other_and_a_holdout_has_its_share():
    visitors = [f"v{number}" for number in range(2_000)]
    inside = [is_in_namespace(each, "checkout", 0.0, 0.4) for each in visitors]
    outside = [is_in_namespace(each, "checkout", 0.4, 1.0) for each in visitors]
    assert all(a != b for a, b in zip(inside, outside, strict=True))
    assert 700 < sum(inside) < 900
    assert 60 < sum(is_held_out("q1", each, 0.05) for each in visitors) < 140


def test_buckets_go_by_largest_remainder_and_ties_by_order():
    assert bucket_counts([1, 1, 1]) == [3_334, 3_333, 3_333]
    assert bucket_counts([0.3, 0.3, 0.4]) == [3_000, 3_000, 4_000]
    assert bucket_counts([0, 7]) == [0, BUCKETS]
    assert first_ranges([1, 0, 3]) == [((0, 2_500),), (), ((2_500, 10_000),)]


@pytest.mark.parametrize(
    "weights",
    [[(1, 1, 1), (2, 1, 1), (1, 5, 4), (1, 1, 0), (1, 1, 1)], [(1, 9), (1, 1), (1, 1, 1)]],
)
def test_a_change_of_weights_moves_the_fewest_buckets(weights):
    present = first_ranges(weights[0])
    for before, after in pairwise(weights):
        changed = changed_ranges(present, after)
        targets, had = bucket_counts(after), [*bucket_counts(before), *[0] * len(after)]
        assert [size(each) for each in changed] == targets
        moved = sum(
            each != arm_of(present, place)
            for place, each in enumerate(arm_of(changed, place) for place in range(BUCKETS))
        )
        assert moved == sum(max(0, a - b) for a, b in zip(had, targets, strict=False))
        present = changed


def test_ranges_of_tests_that_cover_a_part():
    assert coverage_ranges(2, 1.5, None) == [(0, 0.5), (0.5, 1)]
    assert coverage_ranges(2, 1, [0.4, 0.5999]) == [(0, 0.4), (0.4, 0.9999)]
    assert coverage_ranges(2, 1, [0.7, 0.6]) == [(0, 0.5), (0.5, 1)]
    assert coverage_ranges(3, -1, [0.2, 0.8]) == [(each / 3, each / 3) for each in range(3)]
    assert chosen_arm(0.5, [(0, 0.5), (0.5, 0.5), (0.5, 1)]) == 2
    assert chosen_arm(0.25, [(0, 0.25), (0.5, 0.75)]) == -1
