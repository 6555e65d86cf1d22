"""Money that adds up."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marketing.budget.planner.request import SpendLimit
from marketing.budget.planner.rounding import (
    clip_ranges,
    decimal_places,
    inward,
    limits_in_units,
    outward,
    round_to_units,
)

amounts = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=12)


def test_no_currency_has_more_than_two_decimals_here():
    assert [decimal_places(each) for each in ("USD", "JPY", "KWD")] == [2, 0, 2]


@given(amounts)
def test_units_add_up_and_none_is_off_by_more_than_one(exact):
    whole = round(sum(exact))
    exact = [each * whole / sum(exact) for each in exact]
    names = [str(at) for at in range(len(exact))]
    found = round_to_units(whole, exact, names, [[(0, whole)] * len(exact)])
    assert sum(found) == whole
    assert all(abs(units - want) <= 1 + 1e-6 for units, want in zip(found, exact, strict=True))


def test_the_unit_left_over_goes_to_the_largest_remainder_then_by_name():
    assert round_to_units(10, [3.3, 3.3, 3.4], "cba", [[(0, 10)] * 3]) == [3, 3, 4]
    assert round_to_units(10, [3.5, 3.5, 3.0], "cba", [[(0, 10)] * 3]) == [3, 4, 3]


def test_units_are_taken_back_where_floors_ask_for_more():
    ranges = [(4, 10), (0, 10), (0, 10)]
    assert round_to_units(10, [3.0, 3.6, 3.4], "abc", [ranges]) == [4, 3, 3]


def test_the_first_ranges_with_room_are_kept_to_and_the_last_must_be():
    tight, open_ = [(4, 4), (4, 4)], [(0, 10), (0, 10)]
    assert round_to_units(10, [5.0, 5.0], "ab", [tight, open_]) == [5, 5]
    assert round_to_units(8, [5.0, 3.0], "ab", [tight, open_]) == [4, 4]


def test_bounds_are_rounded_inward_unless_no_unit_is_left():
    assert inward([0.011], [0.029], 2, 100) == [(2, 2)]
    assert inward([0.011], [0.019], 2, 100) == [(1, 2)]
    assert inward([0.01], [float("inf")], 2, 100) == [(1, 100)]
    assert outward([0.011], [0.019], 2, 100) == [(1, 2)]
    assert outward([0.011], [float("inf")], 2, 100) == [(1, 100)]


def test_limits_are_exact():
    limits = [SpendLimit(Decimal("1.23"), Decimal("4.56")), SpendLimit()]
    assert limits_in_units(limits, 2, 1000) == [(123, 456), (0, 1000)]


def test_a_range_outside_its_outer_one_gives_way():
    assert clip_ranges([(1, 5), (7, 9)], [(2, 4), (2, 4)]) == [(2, 4), (2, 4)]
