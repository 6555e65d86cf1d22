from datetime import date
from decimal import Decimal

from dashboards.revenue import charts
from revenue.mrr.bridge import monthly_bridges
from revenue.mrr.retention import RetentionDelta, span_retention

TODAY = date(2026, 2, 10)
ROWS = [
    (date(2025, 12, 9), "new", Decimal(100), 4),
    (date(2026, 1, 3), "churn", Decimal(25), -1),
    (date(2026, 2, 3), "expansion", Decimal(10), 0),
]


def bridges():
    return charts.from_first_month(monthly_bridges(ROWS, date(2025, 6, 1), TODAY))


LOST = {(1, date(2026, 1, 1)): RetentionDelta(lost=Decimal(25), left=1)}


def test_months_before_the_first_movement_are_left_out():
    assert bridges()[0].starts_on == date(2025, 12, 1)
    assert charts.from_first_month(monthly_bridges([], date(2025, 6, 1), TODAY)) == []


def test_the_open_month_has_no_retention_in_the_table():
    rows = charts.movements(bridges(), "USD", TODAY, span_retention(bridges(), LOST)).table.rows
    assert rows[0][-4:-1] == (None, None, None)
    assert rows[1][-4:-1] == (25.0, 75.0, 75.0)


def test_the_bridge_shows_each_month_with_its_signs_and_marks_the_open_one():
    drawn = charts.movements(bridges(), "USD", TODAY)
    newest, january, december = drawn.table.rows
    assert newest[0] == "February 2026 (so far)"
    assert january[:8] == ("January 2026", 100, 0, 0, 0, 0, -25, 75)
    assert december[1] == 0
    assert all("<svg" in each for each in drawn.drawings)


def test_the_trend_has_a_row_a_month():
    rows = charts.trend(bridges(), "USD", TODAY).table.rows
    assert [row[3] for row in rows] == [None, -25.0, 13.3]


def test_the_waterfall_goes_from_the_opening_to_the_closing():
    drawn = charts.bridge(bridges(), "USD")
    assert "From $0 before December 2025 to $85:" in drawn.note
    assert drawn.table.rows[0] == ("Opening", 0)
    assert drawn.table.rows[-1] == ("Closing", 85)
    assert ("Churn", -25) in drawn.table.rows
    assert "Churn: \N{MINUS SIGN}$25" in drawn.drawings[0]


def test_the_last_month_of_a_period_that_ends_with_it_is_complete():
    end = date(2026, 1, 31)
    until = charts.from_first_month(monthly_bridges(ROWS[:2], date(2025, 6, 1), end))
    january, _ = charts.movements(until, "USD", end, span_retention(until, LOST)).table.rows
    assert january[0] == "January 2026"
    assert january[-4:-1] == (25.0, 75.0, 75.0)
    assert charts.trend(until, "USD", end).table.rows[-1][0] == "January 2026"
