"""Round marks: every axis holds its values, starts at zero, and steps by 1, 2 or 5."""

from datetime import date, timedelta
from math import log10

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aethercrown.charts.ticks import Scale, days, numbers


@given(
    st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6),
    st.integers(0, 10),
)
def test_marks_enclose_the_values_and_zero_in_even_round_steps(values, most):
    marks = numbers(values, most)
    least, greatest = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    slack = (greatest - least) * 1e-6 + 1e-290
    assert marks[0] <= least + slack
    assert marks[-1] >= greatest - slack
    assert 0 in marks
    assert 2 <= len(marks) <= 2 * max(1, most) + 2
    step = marks[1] - marks[0]
    assume(step > 1e-280)
    assert round(10 ** (log10(step) % 1), 3) in {1, 2, 5, 10}


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([0, 0], [0, 1]),
        ([1e-300], [0, 1]),
        ([97], [0, 20, 40, 60, 80, 100]),
        ([-30, 60], [-40, -20, 0, 20, 40, 60]),
        ([-3], [-3, -2.5, -2, -1.5, -1, -0.5, 0]),
        ([0.0007], [0, 0.0002, 0.0004, 0.0006, 0.0008]),
    ],
)
def test_marks_by_hand(values, marks):
    assert numbers(values) == pytest.approx(marks)


@given(st.dates(), st.integers(0, 3_000_000), st.integers(2, 12))
def test_calendar_marks_lie_inside_in_order_and_are_few(first, span, most):
    last = first + timedelta(days=min(span, (date.max - first).days))
    marks = days(first, last, most)
    found = [day for day, _ in marks]
    assert found == sorted(set(found))
    assert all(first <= each <= last for each in found)
    assert 1 <= len(found) <= most + 1


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        (date(2025, 1, 6), date(2025, 1, 6), ["6 Jan 2025"]),
        (date(2024, 12, 30), date(2025, 1, 1), ["30 Dec 2024", "31 Dec", "1 Jan 2025"]),
        (date(2024, 11, 15), date(2025, 3, 2), ["Dec 2024", "Jan 2025", "Feb", "Mar"]),
        (date(2021, 3, 1), date(2025, 6, 1), ["2022", "2023", "2024", "2025"]),
        (date(2025, 2, 2), date(2025, 2, 28), ["2 Feb 2025", "9 Feb", "16 Feb", "23 Feb"]),
    ],
)
def test_calendar_marks_by_hand(first, last, labels):
    assert [label for _, label in days(first, last, 5)] == labels


def test_a_scale_lays_values_over_the_drawing_upside_down_where_asked():
    assert Scale(0, 10, 100, 0).at(2.5) == 75
