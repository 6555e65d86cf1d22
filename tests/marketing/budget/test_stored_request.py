"""The question that stored rows ask."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from marketing.budget import stored_request
from marketing.budget.model import cadence
from marketing.budget.planner.request import LiftTestResult, SpendLimit
from marketing.budget.stored_request import ChannelSettings, NotEnoughData, SpendRow, StoredHistory

MONDAY = date(2026, 1, 5)
WEEK = timedelta(weeks=1)


def spent(channel, *, weeks=4, amount=100, revenue=300):
    return [
        SpendRow(channel, MONDAY + n * WEEK, Decimal(amount), revenue and Decimal(revenue))
        for n in range(weeks)
    ]


def ask(known, total=1000, present=None):
    return stored_request.build_request(
        known, Decimal(total), "USD", present=present or {}, step_percent=Decimal(20)
    )


def test_channels_whose_revenue_is_known_are_planned_by_channel():
    request = ask(
        StoredHistory([ChannelSettings("a"), ChannelSettings("b")], spent("a") + spent("b"))
    )
    assert request.total_revenue is None
    assert len(request.rows) == 8
    assert request.rows[0].revenue == 300
    assert request.starts_on == MONDAY + 4 * WEEK
    assert request.present is None
    assert request.max_change_percent == 20


def test_a_row_without_a_revenue_keeps_its_spend_and_its_revenue_is_unknown():
    rows = [*spent("a"), SpendRow("a", MONDAY + 4 * WEEK, Decimal(100), None)]
    asked = ask(StoredHistory([ChannelSettings("a")], rows)).rows
    assert [(row.spend, row.revenue, row.is_unknown) for row in asked] == [
        *[(100, 300, False)] * 4,
        (100, None, True),
    ]


def test_a_week_with_one_day_of_unknown_revenue_is_unknown_and_keeps_all_spend():
    days = [MONDAY + timedelta(days=n) for n in range(14)]
    rows = [SpendRow("a", on, Decimal(10), Decimal(30)) for on in days]
    rows[3] = rows[3]._replace(revenue=None)
    rows[9] = rows[9]._replace(spend=Decimal(0), revenue=None)  # nothing spent, nothing hidden
    asked = ask(StoredHistory([ChannelSettings("a")], rows)).rows
    assert [(row.spend, row.revenue) for row in asked] == [(70, None), (60, 180)]


def test_one_silent_channel_makes_it_a_question_of_totals():
    totals = [(MONDAY + n * WEEK, Decimal(5000)) for n in range(4)]
    rows = spent("a") + spent("b", revenue=None)
    flags = {"Easter": {MONDAY: 1.0}, "Never": {MONDAY: 0.0}}
    tests = (LiftTestResult("a", 10, 20, 5), LiftTestResult("gone", 10, 20, 5))
    channels = [
        ChannelSettings("a", incrementality=0.5, platform_roi=3.0),
        ChannelSettings("b"),
        ChannelSettings("new"),
    ]
    request = ask(StoredHistory(channels, rows, totals, flags, tests))
    assert request.total_revenue == tuple((on, 5000.0) for on, _ in totals)
    assert request.controls == {"Easter": {MONDAY: 1.0}}
    assert request.lift_tests == tests[:1]
    assert request.platform_roi == {"a": 3.0}
    assert request.incrementality == {"a": 0.5}
    assert request.new_channels == ()
    assert {row.revenue for row in request.rows} == {None}


def test_a_channel_that_never_spent_needs_no_revenue():
    rows = spent("a") + spent("b", amount=0, revenue=None)
    assert (
        ask(StoredHistory([ChannelSettings("a"), ChannelSettings("b")], rows)).total_revenue is None
    )


def test_a_channel_without_rows_is_introduced():
    assert ask(
        StoredHistory([ChannelSettings("a"), ChannelSettings("new")], spent("a"))
    ).new_channels == ("new",)


def test_limits_and_what_is_in_force_are_handed_on():
    channels = [
        ChannelSettings("a", floor=Decimal(10), ceiling=Decimal(500)),
        ChannelSettings("b", is_held=True),
    ]
    rows = spent("a") + spent("b", amount=70)
    request = ask(StoredHistory(channels, rows))
    assert request.constraints == {
        "a": SpendLimit(Decimal(10), Decimal(500)),
        "b": SpendLimit(Decimal("70.00"), Decimal("70.00")),
    }
    held = ask(StoredHistory(channels, rows), present={"b": Decimal(55)})
    assert held.constraints["b"] == SpendLimit(Decimal(55), Decimal(55))
    assert held.present == {"b": Decimal(55)}


def test_a_held_channel_without_rows_keeps_nothing():
    assert stored_request.recent_mean([], "a", "USD") == 0


def test_daily_rows_are_planned_by_week():
    rows = [
        SpendRow("a", MONDAY + timedelta(days=n), Decimal(10), Decimal(30)) for n in range(4 * 7)
    ]
    request = ask(StoredHistory([ChannelSettings("a")], rows))
    assert [row.spend for row in request.rows] == [70.0] * 4
    assert request.starts_on == MONDAY + 4 * WEEK


def test_one_row_is_followed_by_the_week_after_it():
    assert (
        ask(StoredHistory([ChannelSettings("a")], spent("a", weeks=1))).starts_on == MONDAY + WEEK
    )


def test_a_week_that_is_not_over_is_not_known_yet():
    known = StoredHistory(
        [ChannelSettings("a")], spent("a"), until=MONDAY + 4 * WEEK - timedelta(days=2)
    )
    assert len(ask(known).rows) == 3


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "There are no rows of active channels in USD."),
        (
            spent("a", revenue=None),
            "No revenue is known for a, and no total revenue in USD either.",
        ),
        (
            [SpendRow("a", MONDAY + timedelta(days=n), Decimal(1), Decimal(1)) for n in range(5)],
            "The rows do not make up one complete period yet.",
        ),
    ],
)
def test_too_little_is_said_in_words(rows, words):
    with pytest.raises(NotEnoughData, match=words):
        ask(StoredHistory([ChannelSettings("a")], rows))


@pytest.mark.parametrize(
    ("days_over", "start"),
    [(-1, 4), (0, 5), (6, 5), (7, 4)],
    ids=["not begun", "begun", "its last day is over", "rows long out of date"],
)
def test_a_plan_is_for_a_period_that_has_not_begun(days_over, start):
    until = MONDAY + 4 * WEEK + timedelta(days=days_over)
    request = ask(StoredHistory([ChannelSettings("a")], spent("a"), until=until))
    assert request.starts_on == MONDAY + start * WEEK


def test_months_under_a_week_s_budget_are_spread_over_their_weeks():
    months = [date(2026, month, 1) for month in range(1, 7)]
    rows = [SpendRow("print", on, Decimal(310), Decimal(620)) for on in months]
    totals = [(on, Decimal(3100)) for on in months]
    found = ask(StoredHistory([ChannelSettings("print")], rows, until=date(2026, 7, 9)))
    assert found.rows[0].date.weekday() == 0
    assert (round(found.rows[0].spend, 6), round(found.rows[0].revenue, 6)) == (70, 140)
    assert found.reported == {"print": "by month, spread evenly"}
    silent = [each._replace(revenue=None) for each in rows]
    known = StoredHistory([ChannelSettings("print")], silent, totals, until=date(2026, 7, 9))
    by_total = ask(known)
    assert round(by_total.total_revenue[0][1], 6) == 700
    assert by_total.reported == {**found.reported, cadence.TOTALS: "by month, spread evenly"}


def test_what_is_in_force_counts_for_planned_channels_alone():
    known = StoredHistory([ChannelSettings("a")], spent("a"))
    assert ask(known, present={"a": Decimal(70), "gone": Decimal(30)}).present == {"a": 70}
    assert ask(known, present={"gone": Decimal(30)}).present is None


def test_a_held_channel_keeps_an_amount_with_the_decimals_of_its_currency():
    held = [ChannelSettings("a", is_held=True), ChannelSettings("b")]
    known = StoredHistory(held, spent("a", weeks=3) + spent("a", amount=101)[3:] + spent("b"))
    limits = {
        currency: stored_request.build_request(
            known, Decimal(1000), currency, present={}, step_percent=None
        ).constraints["a"]
        for currency in ("USD", "JPY")
    }
    assert limits["USD"] == SpendLimit(Decimal("100.25"), Decimal("100.25"))
    assert limits["JPY"] == SpendLimit(Decimal(100), Decimal(100))


def test_monthly_totals_beside_weekly_spend_are_not_one_week_s_revenue():
    months = [date(2026, month, 1) for month in (1, 2, 3)]
    known = StoredHistory(
        [ChannelSettings("a")],
        spent("a", weeks=12, revenue=None),
        [(on, Decimal(3100)) for on in months],
    )
    found = ask(known)
    assert found.total_revenue[0] == (MONDAY, pytest.approx(700))
    assert [row.spend for row in found.rows] == [100] * 12
    [note] = cadence.notes(found.reported)
    assert note.endswith("(total revenue: by month, spread evenly).")
    assert list(cadence.reasons_against(found.reported)) == []
