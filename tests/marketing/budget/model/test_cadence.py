"""Rows by day, week, month and quarter on one grid."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.budget.model import cadence
from marketing.budget.model.cadence import align, cadence_days, on_one_grid
from marketing.budget.planner import planning
from marketing.budget.planner.request import BudgetRequest, Infeasible, PerformanceRow

MONDAY = date(2026, 1, 5)
MONTHS = [date(2026, month, 1) for month in range(1, 7)]
QUARTERS = [date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1), date(2026, 4, 1)]


def every(days, count, start=MONDAY):
    return [start + timedelta(days=days * n) for n in range(count)]


def rows(channel, dates, spend=70.0, revenue=140.0):
    return [PerformanceRow(channel, spend, revenue, on) for on in dates]


def spends(found):
    sums: dict[str, dict[date, float]] = defaultdict(dict)
    for row in found.rows:
        sums[row.channel][row.date] = round(row.spend, 6)
    return sums


@pytest.mark.parametrize(
    ("dates", "days"),
    [
        (every(1, 9), 1),
        (every(7, 9), 7),
        (every(14, 5), 14),
        (MONTHS, 30),
        (QUARTERS, 91),
        ([MONDAY], 0),
        ([], 0),
    ],
)
def test_the_cadence_is_the_usual_gap(dates, days):
    assert cadence_days(dates) == days


@pytest.mark.parametrize("dates", [every(1, 20), every(7, 9), MONTHS, [MONDAY], every(21, 4)])
def test_channels_of_one_cadence_stay_as_they_are(dates):
    given = rows("a", dates) + rows("b", dates)
    found = align(given)
    assert (found.rows, found.reported) == (tuple(given), {})


def test_days_are_added_up_beside_weeks_and_their_incomplete_weeks_are_left_out():
    found = align(
        rows("day", every(1, 31, MONDAY - timedelta(days=2)), 10.0) + rows("week", every(7, 4))
    )
    weeks = every(7, 4)
    assert spends(found) == {"day": dict.fromkeys(weeks, 70.0), "week": dict.fromkeys(weeks, 70.0)}
    assert found.reported == {"day": cadence.ADDED_UP}
    assert cadence.estimated(found.reported) == set()


def test_months_beside_weeks_are_spread_evenly_and_end_where_they_are_known():
    found = align(rows("print", MONTHS, 310.0, None) + rows("search", every(7, 30)))
    by_channel = spends(found)
    assert by_channel["print"][date(2026, 1, 12)] == 70.0  # 310 over 31 days
    assert by_channel["print"][date(2026, 3, 30)] == round(2 * 10 + 5 * 310 / 30, 6)
    assert max(by_channel["print"]) == max(by_channel["search"]) == date(2026, 6, 22)
    assert all(row.revenue is None for row in found.rows if row.channel == "print")
    assert found.reported == {"print": "by month, spread evenly"}
    assert cadence.estimated(found.reported) == {"print"}


def test_a_channel_that_ended_long_ago_does_not_end_the_others():
    found = align(rows("print", MONTHS[:3], 310.0) + rows("search", every(7, 30)))
    assert max(spends(found)["search"]) == every(7, 30)[-1]


def test_weeks_that_begin_on_other_days_are_moved_to_the_nearest_week():
    sundays = every(7, 8, MONDAY - timedelta(days=1))
    found = align(rows("a", every(7, 9)) + rows("b", sundays))
    assert spends(found)["b"] == dict.fromkeys(every(7, 8), 70.0)
    assert found.reported == {"b": "Sundays, moved to the nearest period"}


def test_rare_rows_on_the_weeks_of_others_are_single_weeks():
    found = align(rows("a", every(7, 13)) + rows("burst", every(28, 4)))
    assert spends(found)["burst"] == dict.fromkeys(every(28, 4), 70.0)
    assert found.reported == {"burst": "a row every 28 days, without spend between them"}


def test_quarters_beside_months_are_spread_over_the_months():
    found = align(rows("tv", QUARTERS, 910.0) + rows("print", [date(2025, 7, 1), *MONTHS]))
    assert spends(found)["tv"][date(2026, 2, 1)] == round(910 * 28 / 90, 6)
    assert found.reported["tv"] == "by quarter, spread evenly"


def test_months_alone_stay_months_unless_weeks_are_asked_for():
    given = rows("a", MONTHS, 310.0) + rows("b", MONTHS, 310.0)
    assert align(given).reported == {}
    found = align(given, weekly=True)
    assert set(found.reported) == {"a", "b"}
    assert spends(found)["a"][date(2026, 1, 5)] == 70.0


def test_months_that_begin_on_different_days_are_one_grid():
    middle = [on + timedelta(days=14) for on in MONTHS]
    found = align(rows("a", MONTHS) + rows("b", middle))
    assert set(spends(found)["b"]) <= {*MONTHS, date(2026, 7, 1)}
    assert "moved to the nearest period" in found.reported["b"]


def test_a_missing_month_is_not_filled_from_the_one_before():
    gap = [*MONTHS[:2], *MONTHS[3:]]
    found = spends(align(rows("print", gap, 310.0) + rows("search", every(7, 25))))["print"]
    assert date(2026, 3, 9) not in found
    assert found[date(2026, 4, 6)] == round(7 * 310 / 30, 6)


def test_an_unknown_revenue_stays_unknown_and_two_rows_of_a_day_are_one():
    days = rows("day", every(1, 21), 10.0)
    days[9] = PerformanceRow("day", 10.0, None, days[9].date, is_unknown=True)
    found = align([*days, days[0], *rows("week", every(7, 3))])
    weeks = [row for row in found.rows if row.channel == "day"]
    assert [(row.spend, row.revenue, row.is_unknown) for row in weeks] == [
        (80, 1120, False),
        (70, None, True),
        (70, 980, False),
    ]


def test_daily_totals_are_added_up_beside_weekly_spend_and_monthly_totals_make_months():
    def asked(dates, money):
        return BudgetRequest(
            Decimal(100),
            tuple(PerformanceRow("a", 70.0, None, on) for on in every(7, 26)),
            total_revenue=tuple((on, money) for on in dates),
        )

    weekly = on_one_grid(asked(every(1, 26 * 7), 10.0))
    assert dict(weekly.total_revenue or ()) == dict.fromkeys(every(7, 26), 70.0)
    monthly = on_one_grid(asked(MONTHS, 500.0))
    assert set(dict(monthly.total_revenue or ())) <= set(MONTHS)
    assert {row.date and row.date.day for row in monthly.rows} == {1}
    undated = BudgetRequest(Decimal(1), (PerformanceRow("a", 1.0, 1.0),))
    assert on_one_grid(undated) is undated


def test_the_first_and_the_last_whole_month_stay_and_months_of_few_weeks_do_not():
    weeks = every(7, 28, MONDAY + timedelta(days=14))  # of January only two
    months = [*MONTHS, date(2026, 7, 1)]
    found = on_one_grid(
        BudgetRequest(
            Decimal(100),
            tuple(PerformanceRow("a", 70.0, None, on) for on in weeks),
            total_revenue=tuple((on, 500.0) for on in months),
        )
    )
    assert dict(found.total_revenue or ()) == dict.fromkeys(months, 500.0)
    assert [row.date for row in found.rows] == months[1:]


def test_a_channel_without_a_whole_period_is_named_and_planned_as_new():
    few = rows("new", every(1, 3, MONDAY + timedelta(days=71)))
    found = planning.plan(BudgetRequest(Decimal(80), (*rows("a", every(7, 12)), *few)))
    assert found.allocations["new"] > 0
    assert f"(new: {cadence.NOT_WHOLE})" in found.warnings[0]
    assert "The spend of single periods is not known for new." in found.reasons_against


def refusal(request):
    with pytest.raises(Infeasible) as refused:
        planning.plan(request)
    return [(each.field, each.code) for each in refused.value.problems]


def test_rows_of_which_no_whole_period_or_no_shared_total_is_left_are_refused():
    days = [MONDAY, MONDAY + timedelta(days=2), MONDAY + timedelta(days=7)]
    totals = tuple((on, 500.0) for on in every(7, 3))
    silent = tuple(PerformanceRow("a", 70.0, None, on) for on in days)
    asked = BudgetRequest(Decimal(100), silent, total_revenue=totals)
    assert refusal(asked) == [("historical_data", "too_few")]
    week = tuple(PerformanceRow("a", 10.0, None, on) for on in every(1, 8))
    asked = BudgetRequest(Decimal(100), week, total_revenue=totals)
    assert refusal(asked) == [("total_revenue", "too_few")]


def test_rows_decades_apart_are_not_spread_over_thousands_of_weeks():
    decades = [date(year, 3, 4) for year in (1960, 1990, 2020)]
    many = [row for n in range(40) for row in rows(f"c{n}", decades)]
    asked = BudgetRequest(Decimal(100), (*rows("a", every(7, 5)), *many))
    assert refusal(asked) == [("historical_data", "too_many")]


def test_a_long_weekly_history_beside_months_takes_no_longer_than_its_rows():
    begin = process_time()
    align(rows("a", every(7, 5_000, date(1930, 1, 6))) + rows("print", MONTHS))
    assert process_time() - begin < 2  # tens of seconds if each row looks at each date


def test_a_plan_says_so_lowers_the_evidence_and_is_not_applied_by_itself():
    varied = [
        PerformanceRow("search", 70.0 + 9 * (n % 5), 200.0 + 20 * (n % 5), on)
        for n, on in enumerate(every(7, 26))
    ]
    found = planning.plan(BudgetRequest(Decimal(150), (*varied, *rows("print", MONTHS, 310.0))))
    assert found.allocations["print"] > 0
    assert found.warnings[0] == (
        "Not every channel has a row for each period of the plan (print: by month, spread evenly)."
    )
    assert "The spend of single periods is not known for print." in found.reasons_against
    assert {each.channel: each.evidence for each in found.channels}["print"] == "low"
    assert not found.auto_applicable


@given(st.sampled_from([1, 7, 14]), st.integers(3, 30), st.integers(0, 40), st.floats(1, 1e6))
def test_what_is_spread_or_added_up_is_never_more_than_what_was_spent(days, count, shift, spend):
    start = MONDAY + timedelta(days=shift)
    given = rows("a", every(days, count, start), spend) + rows("b", every(7, 20))
    found = [row.spend for row in align(given).rows if row.channel == "a"]
    assert 0 <= sum(found) <= spend * count * (1 + 1e-9)
