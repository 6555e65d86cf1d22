"""The period of an address: presets, days, comparisons, and everything that is wrong with it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.metrics.period import Period
from dashboards.period_choice import read_period

TODAY = date(2026, 3, 20)
PRESETS = ("30d", "12m")


def read(**given):
    named = {name.rstrip("_"): value for name, value in given.items()}
    return read_period(named, TODAY, PRESETS, "12m")


def test_without_anything_the_default_is_compared_with_the_period_before():
    found = read()
    assert found.period == Period(date(2025, 4, 1), TODAY)
    assert (found.preset, found.problems) == ("12m", ())
    assert found.compared == found.period.before()
    assert found.choices() == [("30d", "30 days", False), ("12m", "12 months", True)]
    assert found.text.startswith("1 Apr 2025 to 20 Mar 2026, compared with 1 Apr 2024 to 20 Mar")


def test_days_of_its_own_and_a_year_earlier():
    found = read(from_="2026-01-01", to="2026-01-31", compare="year")
    assert found.preset == ""
    assert found.compared_text == "a year earlier"
    assert found.text.endswith("compared with 1 Jan 2025 to 31 Jan 2025")
    one_day = read(from_="2026-01-01", to="2026-01-01", compare="none")
    assert one_day.text == "1 Jan 2026"


def test_nothing_may_be_compared():
    found = read(compare="none")
    assert (found.compared, found.compared_text) == (None, "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"period": "7d"}, "period is one of 30d, 12m, not '7d'."),
        ({"compare": "x"}, "compare is one of previous, year, none, not 'x'."),
        ({"from_": "2026-03-02", "to": "2026-03-01"}, "before it starts on 2 Mar 2026"),
        ({"from_": "1999-03-02", "to": "2026-03-01"}, "starts on 1 Jan 2000 or later"),
        ({"from_": "2026-03-02", "to": "2026-03-21"}, "ends today, 20 Mar 2026, or earlier"),
        ({"from_": "2026-02-30", "to": "2026-03-01"}, "from is a day such as"),
        ({"from_": "2026-02-01"}, "to is a day such as 2026-03-01, not ''."),
        ({"from_": "x" * 50, "to": "2026-03-01"}, "…'"),
    ],
)
def test_what_is_wrong_is_said_and_the_default_shown(given, said):
    found = read(**given)
    assert said in " ".join(found.problems)
    assert found.period == Period(date(2025, 4, 1), TODAY)


@given(st.dictionaries(st.sampled_from(["period", "from", "to", "compare"]), st.text()))
def test_any_address_has_a_period(given):
    found = read_period(given, TODAY, PRESETS, "12m")
    assert found.period.last <= TODAY
    assert isinstance(found.compared_text, str)


def test_a_page_that_shows_each_day_has_a_longest_period():
    def asked(first):
        days = {"from": first, "to": TODAY.isoformat()}
        return read_period(days, TODAY, PRESETS, "12m", max_days=10)

    assert asked("2026-03-11").period.days == 10
    assert asked("2026-03-10").problems == ("A period has at most 10 days here.",)
