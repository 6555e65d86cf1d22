"""An effect is written in its own unit."""

from operations.decisions.effect_text import expected_text, realised_text

MINUS = "\N{MINUS SIGN}"
LIFT = {"estimate": 6.4, "low": -1.2, "high": 11.9, "unit": "%"}


def test_an_effect_is_worded_in_its_own_unit():
    assert expected_text(LIFT) == f"+6.4% ({MINUS}1.2% to +11.9%)"
    assert realised_text(None, LIFT) == ""
    days = {**LIFT, "unit": "days"}
    assert expected_text(days).startswith("+6.4\N{NO-BREAK SPACE}days")
    bare = {**LIFT, "unit": "", "metric": "steps that change"}
    assert realised_text({"value": 2, "low": None, "high": None}, bare) == (
        "+2\N{NO-BREAK SPACE}steps that change"
    )


def test_a_gain_that_is_known_exactly_has_no_interval():
    expected = {"unit": "USD", "estimate": 1, "low": 0, "high": 2}
    exact = {"value": 77.0, "low": None, "high": None}
    assert realised_text(exact, expected) == "+$77.00"
    assert realised_text(exact | {"low": 70.0, "high": 80.0}, expected).endswith(")")
