"""The figures at the top of a page, and probabilities as text."""

import pytest

from dashboards.key_figures import KeyFigure, probability_text


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "< 1%"), (0.004, "< 1%"), (0.963, "96%"), (0.9999, "> 99%"), (1.0, "> 99%")],
)
def test_a_probability_is_never_rounded_to_certainty(probability, text):
    assert probability_text(probability) == text


def test_no_figure_is_marked_as_missing():
    assert KeyFigure("a", "\N{EN DASH}", "", "").missing
