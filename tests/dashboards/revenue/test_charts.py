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


def test_the_headlines_use_the_last_month_that_is_over():
    retained = span_retention(bridges(), LOST)
    shown = charts.headlines(bridges(), "USD", TODAY, retained)
    found = {each.label: each for each in shown}
    assert (found["MRR"].value, found["ARR"].value) == ("$85", "$1,020")
    assert found["MRR"].note == "+$10 so far this month"
    assert found["Customer churn"].value == "25.0%"
    assert found["Customer churn"].note == "1 customer lost in January 2026"
    assert found["Net retention"].value == "75.0%"
    assert found["Net retention"].note == "75.0% gross; in January 2026"


def test_retention_over_a_year_needs_customers_of_a_year_ago():
    longer = monthly_bridges(
        [(date(2024, 12, 9), "new", Decimal(200), 2), *ROWS], date(2025, 1, 1), TODAY
    )
    kept = {**LOST, (12, date(2026, 1, 1)): RetentionDelta(Decimal(30), Decimal(50), 1)}
    shown = charts.headlines(longer, "USD", TODAY, span_retention(longer, kept))
    found = {each.label: each for each in shown}
    assert found["Net retention"].value == "90.0%"
    assert found["Net retention"].note == "75.0% gross; the 12 months to January 2026"


def test_rates_wait_for_a_month_that_is_over_and_for_the_sums():
    one = monthly_bridges([(TODAY, "new", Decimal(5), 1)], TODAY, TODAY)
    for each in charts.headlines(one, "USD", TODAY)[-2:]:
        assert (each.missing, each.note) == (True, "No complete month yet")
    churn = charts.headlines(bridges(), "USD", TODAY)[-1]
    assert (churn.missing, churn.note) == (True, "Calculated by the nightly run")


def test_the_open_month_has_no_retention_in_the_table():
    rows = charts.bridge(bridges(), "USD", TODAY, span_retention(bridges(), LOST)).table.rows
    assert rows[0][-4:-1] == (None, None, None)
    assert rows[1][-4:-1] == (25.0, 75.0, 75.0)


def test_the_bridge_shows_each_month_with_its_signs_and_marks_the_open_one():
    drawn = charts.bridge(bridges(), "USD", TODAY)
    newest, january, december = drawn.table.rows
    assert newest[0] == "Feb 2026 (so far)"
    assert january[:8] == ("Jan 2026", 100, 0, 0, 0, 0, -25, 75)
    assert december[1] == 0
    assert "From $0 before December 2025 to $85 now" in drawn.note
    assert all("<svg" in each for each in drawn.drawings)


def test_the_trend_has_a_row_a_month():
    rows = charts.trend(bridges(), "USD", TODAY).table.rows
    assert [row[2] for row in rows] == [None, -25.0, 13.3]
