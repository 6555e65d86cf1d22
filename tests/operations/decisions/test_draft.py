from dataclasses import asdict
from datetime import timedelta

import pytest

from operations.decisions.draft import ExpectedEffect, Guardrail, expected_from_json

WEEK = timedelta(days=7)


def test_an_expectation_written_is_read_back():
    one = ExpectedEffect("lift", 1.5, 0.5, 2.5, 0.9, WEEK, "percent")
    assert expected_from_json(one.as_json()) == one
    assert one.as_json()["horizon"] == 604_800.0


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ((float("nan"), 0, 1, 0.9, WEEK), "finite"),
        ((0.5, 0, float("inf"), 0.9, WEEK), "finite"),
        ((2.0, 0, 1, 0.9, WEEK), r"2\.0 lies outside its interval \[0, 1\]"),
        ((0.5, 1, 0, 0.9, WEEK), "outside its interval"),
        ((0.5, 0, 1, 90, WEEK), "between 0 and 1, not 90"),
        ((0.5, 0, 1, 0.9, -WEEK), "in the past"),
    ],
)
def test_an_impossible_expectation_is_refused(numbers, why):
    with pytest.raises(ValueError, match=why):
        ExpectedEffect("lift", *numbers)


def test_a_guardrail_is_written_as_the_row_holds_it():
    assert asdict(Guardrail("change", 20.0, 11.1, passed=True)) == {
        "name": "change",
        "limit": 20.0,
        "value": 11.1,
        "passed": True,
    }
