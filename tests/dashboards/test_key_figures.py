"""The figures at the top of a page, counts and probabilities as text."""

import pytest

from dashboards.key_figures import KeyFigure, count_text, probability_text


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "< 1%"), (0.004, "< 1%"), (0.963, "96%"), (0.9999, "> 99%"), (1.0, "> 99%")],
)
def test_a_probability_is_never_rounded_to_certainty(probability, text):
    assert probability_text(probability) == text


def test_one_is_one_and_two_are_several():
    assert count_text(1, "period") == "1 period"
    assert count_text(2, "period") == "2 periods"


def test_no_figure_is_marked_as_missing():
    assert KeyFigure("a", "\N{EN DASH}", "", "").missing
