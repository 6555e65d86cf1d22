"""A plan's figures and verdict in words."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from dashboards.budget import summary
from dashboards.budget.tables import interval_text, placebo
from marketing.budget.planner.proposal import Backtest, Interval
from tests.dashboards.budget.samples import channel_summary, proposal

MINUS = "\N{MINUS SIGN}"


def test_the_lift_stands_with_its_interval():
    lift = summary.plan_figures(proposal())[2]
    assert (lift.value, lift.note) == ("+6.4%", "+1.2% to +11.9%")
    assert not lift.missing


def test_a_plan_that_may_act_says_so_and_one_that_may_not_says_why():
    good = summary.verdict(proposal(auto_applicable=True, reasons_against=()))
    assert (good.tone, good.reasons) == ("good", ("Probability of a lift: 96%.",))
    waits = summary.verdict(proposal())
    assert (waits.tone, waits.reasons) == ("warn", ("The automation's mode is propose.",))


def test_a_backtest_says_whether_it_beat_the_naive_forecast():
    better = summary.backtest_figures(proposal().backtest)[0]
    assert better.note.startswith("better than 24.9%")
    worse = Backtest(30.0, 20.0, 70.0, 24, drifting=True, healthy=False)
    assert summary.backtest_figures(worse)[0].note.startswith("not better than 20.0%")


def test_no_backtest_shows_no_figures():
    assert summary.backtest_figures(None) == []


def test_a_channel_says_how_its_money_changes():
    figures = summary.channel_figures(channel_summary("Social"), "USD")
    assert figures[0].note == f"{MINUS}$800 from $2,900"


def test_an_interval_in_words():
    assert interval_text(Interval(1.0, -2.0, 3.0)) == f"{MINUS}2.0%\u00a0to\u00a0+3.0%"
    assert interval_text(None) == ""


def test_other_assumptions_are_a_table():
    table = placebo(proposal(placebo={"share x 3": 0.58}))
    assert table.rows == [("share x 3", "58%")]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("proposed", "Waits for a decision since 20 Nov 2026, 12:00 UTC."),
        ("applied", "In force since 21 Nov 2026, 12:00 UTC."),
        ("rolled_back", "Rolled back 22 Nov 2026, 12:00 UTC."),
    ],
)
def test_the_state_of_a_plan_is_said_with_its_time(status, text):
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    times = ("proposed_at", "applied_at", "rolled_back_at")
    at = {name: noon + timedelta(days=days) for days, name in enumerate(times)}
    decision = SimpleNamespace(status=status, approved_at=None, rejected_at=None, **at)
    assert summary.state_text(decision) == text
