"""Rows put into a grid."""

import tracemalloc
from datetime import date, timedelta

import numpy as np
import pytest

from marketing.budget.model.history import MAX_PERIODS, build_history, log_revenue
from marketing.budget.planner.request import PerformanceRow

MONDAY = date(2026, 1, 5)


def week(number):
    return MONDAY + timedelta(weeks=number)


def weekly(channel, spends, revenue=10.0):
    return [PerformanceRow(channel, spend, revenue, week(at)) for at, spend in enumerate(spends)]


def test_rows_of_one_channel_and_date_are_added_up():
    rows = [PerformanceRow("search", 1, 5, MONDAY), PerformanceRow("search", 2, 7, MONDAY)]
    history, notes = build_history(rows, [], {})
    assert history.spend.tolist() == [[3]]
    assert history.revenue.tolist() == [[12]]
    assert notes == ()


def test_rows_without_dates_are_periods_of_their_own():
    rows = [
        PerformanceRow("search", 1, 5),
        PerformanceRow("search", 2, 7),
        PerformanceRow("post", 4, 4),
    ]
    history, _ = build_history(rows, ["radio"], {})
    assert history.channels == ("post", "radio", "search")
    assert history.spend.tolist() == [[4, 0], [0, 0], [1, 2]]
    assert history.seen.tolist() == [[True, False], [False, False], [True, True]]
    assert history.present_spend().tolist() == [4, 0, 1.5]
    assert history.gap_days() == 7


def test_one_row_without_a_date_makes_all_undated():
    history, notes = build_history(
        [PerformanceRow("a", 1, 1, MONDAY), PerformanceRow("a", 1, 1)], [], {}
    )
    assert history.dates == ()
    assert notes == ("No date was used: of 2 rows, 1 without one.",)


def test_incrementality_scales_revenue():
    history, _ = build_history(
        [PerformanceRow("brand search", 1, 10, MONDAY)], [], {"brand search": 0.3}
    )
    assert history.revenue.tolist() == [[3]]


def test_a_last_period_that_came_early_is_left_out():
    rows = [*weekly("a", [1] * 8), PerformanceRow("a", 1, 1, week(7) + timedelta(days=2))]
    history, notes = build_history(rows, [], {})
    assert len(history.dates) == 8
    assert "not complete" in notes[0]


def test_a_last_period_that_lacks_most_channels_is_left_out():
    rows = [row for name in "abc" for row in weekly(name, [1] * 8)] + [
        PerformanceRow("a", 1, 1, week(8))
    ]
    history, notes = build_history(rows, [], {})
    assert len(history.dates) == 8
    assert len(notes) == 1


def test_the_present_mix_is_the_mean_of_the_last_four_periods():
    history, _ = build_history(weekly("a", [100, 1, 2, 3, 4]), [], {})
    assert history.present_spend().tolist() == [2.5]


def test_only_the_last_periods_are_looked_at():
    history, _ = build_history(weekly("a", range(1, MAX_PERIODS + 11)), [], {})
    assert history.spend.shape == (1, MAX_PERIODS)
    assert history.spend[0, 0] == 11


def test_memory_grows_with_channels_and_not_with_their_dates():
    rows = [PerformanceRow(f"c{n}", 1.0, 2.0, MONDAY + timedelta(days=n)) for n in range(1_500)]
    tracemalloc.start()
    history, _ = build_history(rows, [], {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert history.spend.shape == (1_500, MAX_PERIODS)
    assert history.spend.sum() == MAX_PERIODS
    assert peak < 2**23  # 18 MB for each of the grids of all dates


def test_a_revenue_of_nothing_counts_a_thousandth_of_the_mean():
    rows = [PerformanceRow("a", 1, each, week(at)) for at, each in enumerate([10.0, 0.0, 20.0])]
    log, mean = log_revenue(build_history(rows, [], {})[0])
    assert mean.tolist() == [10]
    assert np.exp(log[0]) == pytest.approx([1, 0.0015, 2])


def test_a_channel_that_never_earned_has_a_mean_of_nothing():
    log, mean = log_revenue(build_history([PerformanceRow("a", 1, 0, MONDAY)], [], {})[0])
    assert (log.tolist(), mean.tolist()) == ([[0]], [0])
