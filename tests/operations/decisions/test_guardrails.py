from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.automations.limits import GuardrailLimits, QuietHours
from operations.decisions.draft import ExpectedEffect
from operations.decisions.guardrails import (
    MEASURED_VERDICTS,
    GuardrailContext,
    calibration_failure,
    confidence,
    coverage_text,
    evaluate,
)
from tests.operations.conftest import NOON
from tests.operations.decisions.conftest import draft

VERDICTS = st.lists(st.sampled_from(MEASURED_VERDICTS), max_size=40)


def verdicts(limits=None, *, applied_today=0, changed_today=0.0, alert="", **changed):
    around = GuardrailContext(NOON, applied_today, changed_today, alert)
    judged = evaluate(limits or GuardrailLimits(), draft(**changed), around)
    return {each.name: each.passed for each in judged}


def test_a_modest_sure_and_fresh_draft_passes_all():
    assert verdicts() == {
        "largest_change_percent": True,
        "applied_per_day": True,
        "sure_gain": True,
        "data_age_hours": True,
        "critical_alert": True,
    }


def test_each_limit_is_met_exactly_and_then_broken():
    assert verdicts(change_percent=-20.0)["largest_change_percent"]
    assert not verdicts(change_percent=-20.1)["largest_change_percent"]
    assert verdicts(applied_today=99)["applied_per_day"]
    assert not verdicts(applied_today=100)["applied_per_day"]
    assert verdicts(data_as_of=NOON - timedelta(hours=48))["data_age_hours"]
    assert not verdicts(data_as_of=NOON - timedelta(hours=48.1))["data_age_hours"]


@pytest.mark.parametrize(("days", "fresh"), [(1, True), (8.9, True), (9, True), (9.1, False)])
def test_data_that_come_weekly_are_late_only_after_the_next_were_due(days, fresh):
    weekly = {"data_as_of": NOON - timedelta(days=days), "data_every": timedelta(days=7)}
    assert verdicts(**weekly)["data_age_hours"] == fresh


def test_a_gain_that_may_be_none_is_not_sure():
    maybe = ExpectedEffect("comfort", 1.0, 0.0, 2.0, 0.9, timedelta(days=7))
    assert not verdicts(expected=maybe)["sure_gain"]


def test_an_unknown_figure_fails_its_limit():
    assert not verdicts(change_percent=None)["largest_change_percent"]
    assert not verdicts(data_as_of=None)["data_age_hours"]


def test_a_limit_switched_off_judges_nothing():
    off = GuardrailLimits(
        largest_change_percent=None,
        applied_per_day=None,
        needs_sure_gain=False,
        data_age_hours=None,
        needs_no_critical_alert=False,
    )
    assert verdicts(off) == {}


def test_changes_of_one_day_add_up():
    daily = GuardrailLimits(largest_daily_change_percent=25.0)
    for changed, passed in ((15.0, True), (15.1, False)):
        judged = verdicts(daily, changed_today=changed, change_percent=-10.0)
        assert judged["largest_daily_change_percent"] == passed
    assert not verdicts(daily, change_percent=None)["largest_daily_change_percent"]
    unknown_before = verdicts(daily, changed_today=None, change_percent=1.0)
    assert not unknown_before["largest_daily_change_percent"]


def test_an_open_critical_alert_on_the_subject_holds_it_back():
    assert not verdicts(alert="health: down, hall")["critical_alert"]


@pytest.mark.parametrize(
    ("begins", "ends", "moment", "quiet"),
    [
        (time(8), time(18), "07:59", False),
        (time(8), time(18), "08:00", True),
        (time(8), time(18), "18:00", False),
        (time(22), time(6), "23:00", True),
        (time(22), time(6), "05:59", True),
        (time(22), time(6), "06:00", False),
        (time(9), time(9), "04:00", True),
    ],
)
def test_quiet_hours_are_those_of_the_automations_own_clock(begins, ends, moment, quiet):
    berlin = ZoneInfo("Europe/Berlin")
    hours = QuietHours(begins, ends, berlin)
    now = datetime.fromisoformat(f"2026-11-20T{moment}").replace(tzinfo=berlin).astimezone(UTC)
    assert hours.covers(now) == quiet


def test_nothing_is_applied_in_quiet_hours():
    noon = GuardrailLimits(quiet_hours=QuietHours(time(11), time(13), UTC))
    assert not verdicts(noon)["quiet_hours"]
    assert verdicts(GuardrailLimits(quiet_hours=QuietHours(time(13), time(11), UTC)))["quiet_hours"]


def test_least_confidence_is_met_or_not():
    # 1.5 in [0.5, 2.5] at 90 %: spread 0.608, so 2.467 spreads above zero: 99.3 %.
    assert verdicts(GuardrailLimits(least_confidence_percent=99.3))["least_confidence_percent"]
    assert not verdicts(GuardrailLimits(least_confidence_percent=99.4))["least_confidence_percent"]


def expecting(estimate, low, high, level=0.9):
    return ExpectedEffect("x", estimate, low, high, level, timedelta(days=1))


def test_confidence_at_the_edges():
    assert confidence(expecting(1, 0, 2)) == pytest.approx(95)
    assert confidence(expecting(-1, -2, 0)) == pytest.approx(5)
    assert confidence(expecting(0, -1, 1)) == pytest.approx(50)
    assert confidence(expecting(2, 2, 2)) == 100
    assert confidence(expecting(-2, -2, -2)) == 0


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.floats(0.5, 0.99))
def test_confidence_is_a_percentage_that_agrees_with_the_interval(estimate, left, right, level):
    found = confidence(expecting(estimate, estimate - left, estimate + right, level))
    assert 0 <= found <= 100
    if estimate - left > 0:
        assert found >= 50 + 50 * level - 1e-9


def test_twelve_of_twenty_inside_keep_it_and_eleven_do_not():
    assert calibration_failure(["below"] * 8 + ["inside"] * 12) == ""
    assert calibration_failure(["below"] * 9 + ["inside"] * 11) == (
        "11 of the last 20 effects lay in the expected interval, fewer than 60%."
    )


def test_too_few_say_nothing():
    assert calibration_failure(["below"] * 19) == ""


@given(VERDICTS, VERDICTS)
def test_only_the_newest_twenty_count(newest, older):
    whole = (newest + older)[:20]
    assert calibration_failure(newest + older) == calibration_failure(whole)


@pytest.mark.parametrize(
    ("inside", "measured", "text"),
    [
        (9, 9, ""),
        (6, 10, "fewer than expected"),
        (8, 10, "as expected"),
        (10, 10, "as expected"),
        (29, 29, "more than expected"),  # 0.9 ** 29 is 4.7 %
        (28, 28, "as expected"),
        (170, 200, "fewer than expected"),
    ],
)
def test_the_share_inside_is_told_apart_from_its_level(inside, measured, text):
    assert coverage_text(inside, measured) == text
