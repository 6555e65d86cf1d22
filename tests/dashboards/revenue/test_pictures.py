from datetime import date
from decimal import Decimal

from dashboards.revenue import pictures
from revenue.customers.bridge import months

TODAY = date(2026, 2, 10)
ROWS = [
    (date(2025, 12, 9), "new", Decimal(100), 4),
    (date(2026, 1, 3), "churn", Decimal(25), -1),
    (date(2026, 2, 3), "expansion", Decimal(10), 0),
]


def bridges():
    return pictures.known(months(ROWS, date(2025, 6, 1), TODAY))


def test_months_before_the_first_movement_are_left_out():
    assert bridges()[0].starts_on == date(2025, 12, 1)
    assert pictures.known(months([], date(2025, 6, 1), TODAY)) == []


def test_the_headlines_use_the_last_month_that_is_over():
    found = {each.label: each for each in pictures.headlines(bridges(), "USD", TODAY)}
    assert (found["MRR"].value, found["ARR"].value) == ("$85", "$1,020")
    assert found["MRR"].note == "+$10 so far this month"
    assert found["Customer churn"].value == "25.0%"
    assert found["Customer churn"].note == "1 customer lost in January 2026"


def test_a_company_in_its_first_month_has_no_churn_yet():
    one = months([(TODAY, "new", Decimal(5), 1)], TODAY, TODAY)
    churn = pictures.headlines(one, "USD", TODAY)[-1]
    assert (churn.missing, churn.note) == (True, "No month is over yet")


def test_the_bridge_shows_each_month_with_its_signs_and_marks_the_open_one():
    drawn = pictures.bridge(bridges(), "USD", TODAY)
    newest, january, december = drawn.table.rows
    assert newest[0] == "Feb 2026 (so far)"
    assert january[:8] == ("Jan 2026", 100, 0, 0, 0, 0, -25, 75)
    assert december[1] == 0
    assert "From $0 before December 2025 to $85 now" in drawn.note
    assert all("<svg" in each for each in drawn.drawings)


def test_the_trend_has_a_row_a_month():
    rows = pictures.trend(bridges(), "USD", TODAY).table.rows
    assert [row[2] for row in rows] == [None, -25.0, 13.3]
