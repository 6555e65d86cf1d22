from datetime import timedelta

from operations.decisions.draft import Expected
from operations.decisions.guardrails import Limits, judge
from tests.operations.conftest import NOON
from tests.operations.decisions.conftest import draft


def verdicts(limits=None, applied_today=0, **changed):
    judged = judge(limits or Limits(), draft(**changed), applied_today, NOON)
    return {each.name: each.passed for each in judged}


def test_a_modest_sure_and_fresh_draft_passes_all():
    assert verdicts() == {
        "largest_change_percent": True,
        "applied_per_day": True,
        "sure_gain": True,
        "data_age_hours": True,
    }


def test_each_limit_is_met_exactly_and_then_broken():
    assert verdicts(change_percent=-20.0)["largest_change_percent"]
    assert not verdicts(change_percent=-20.1)["largest_change_percent"]
    assert verdicts(applied_today=99)["applied_per_day"]
    assert not verdicts(applied_today=100)["applied_per_day"]
    assert verdicts(data_as_of=NOON - timedelta(hours=48))["data_age_hours"]
    assert not verdicts(data_as_of=NOON - timedelta(hours=48.1))["data_age_hours"]


def test_a_gain_that_may_be_none_is_not_sure():
    maybe = Expected("comfort", 1.0, 0.0, 2.0, 0.9, timedelta(days=7))
    assert not verdicts(expected=maybe)["sure_gain"]


def test_an_unknown_figure_fails_its_limit():
    assert not verdicts(change_percent=None)["largest_change_percent"]
    assert not verdicts(data_as_of=None)["data_age_hours"]


def test_a_limit_switched_off_judges_nothing():
    off = Limits(
        largest_change_percent=None,
        applied_per_day=None,
        needs_sure_gain=False,
        data_age_hours=None,
    )
    assert verdicts(off) == {}
