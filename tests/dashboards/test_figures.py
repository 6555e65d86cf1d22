"""The filters that word figures in templates."""

import pytest

from dashboards.templatetags import figures

DASH = "\N{EN DASH}"


def test_money_and_percentages_are_worded():
    assert figures.money(1234.5, "EUR") == "€1,234.50"
    assert figures.whole(1234.5, "EUR") == "€1,234"
    assert figures.percent(6.44) == "6.4%"
    assert figures.change(6.44) == "+6.4%"
    assert figures.money(None, "EUR") == DASH


@pytest.mark.parametrize(
    ("value", "worded"),
    [(None, DASH), (0, "0%"), (0.001, "< 1%"), (0.5, "50%"), (0.999, "> 99%"), (1, "100%")],
)
def test_a_probability_is_never_rounded_to_certainty(value, worded):
    assert figures.share(value) == worded
