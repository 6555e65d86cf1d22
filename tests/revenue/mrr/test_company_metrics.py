"""The metrics of the ledger: checked by hand, and unknown with a reason."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from aethercrown.metrics.period import Period, months_to
from aethercrown.metrics.registry import MetricQuery, measure
from revenue.customers import services as customers
from revenue.mrr import reports
from revenue.mrr.bridge import monthly_bridges
from revenue.mrr.reports import company_metrics
from revenue.mrr.retention import RetentionDelta
from revenue.mrr.services.rollups import roll_up
from tests.revenue.customers.conftest import NOW, TODAY

QUERY = MetricQuery(months_to(TODAY, 12), "USD", NOW)
ROWS = [
    (date(2025, 1, 9), "new", Decimal(100), 4),
    (date(2026, 2, 3), "churn", Decimal(25), -1),
    (date(2026, 3, 3), "expansion", Decimal(10), 0),
]
YEAR_LOST = {
    (1, date(2026, 2, 1)): RetentionDelta(lost=Decimal(25), left=1),
    (12, date(2026, 2, 1)): RetentionDelta(lost=Decimal(25), left=1),
}


def found(rows, deltas, query=QUERY):
    bridges = monthly_bridges(rows, date(2024, 3, 1), query.period.last)
    return company_metrics.readings(bridges, query, lambda: deltas)


def test_levels_are_those_of_the_periods_last_day_and_rates_of_the_last_complete_month():
    shown = found(ROWS, YEAR_LOST)
    assert {name: each.value for name, each in shown.items()} == {
        "revenue.mrr": 85,
        "revenue.arr": 1020,
        "revenue.paying_customers": 3,
        "revenue.customer_churn": 25.0,
        "revenue.gross_mrr_churn": 25.0,
        "revenue.net_retention": 75.0,
        "revenue.gross_retention": 75.0,
        "revenue.quick_ratio": 0.0,
    }
    assert shown["revenue.customer_churn"].note == "1 customer lost in February 2026"
    assert shown["revenue.mrr"].note == "\N{MINUS SIGN}$15 since April 2025 began"
    assert shown["revenue.mrr"].series[-1] == (date(2026, 3, 1), 85)


def test_every_metric_of_an_empty_ledger_is_unknown_with_its_reason():
    shown = found([], {})
    assert set(shown) == {each.name for each in company_metrics.METRICS}
    assert {each.value for each in shown.values()} == {None}
    assert {each.reason for each in shown.values()} == {"No subscription in USD until then"}


def test_rates_wait_for_a_month_that_is_over_a_year_and_the_sums():
    first = found([(date(2026, 3, 2), "new", Decimal(5), 1)], {})
    assert first["revenue.mrr"].value == 5
    assert first["revenue.customer_churn"].reason == "No MRR when the last complete month began"
    young = [(date(2026, 1, 2), "new", Decimal(5), 1)]
    assert found(young, {})["revenue.net_retention"].reason == "No customer paid a year ago"
    assert found(young, {})["revenue.quick_ratio"].reason == "Nothing was lost in February 2026"
    waiting = found(young, None)
    assert waiting["revenue.customer_churn"].reason == "Calculated by the nightly run"
    assert waiting["revenue.gross_mrr_churn"].value == 0


def test_all_customers_gone_leave_no_rate():
    gone = [(date(2025, 1, 9), "new", Decimal(5), 1), (date(2025, 3, 9), "churn", Decimal(5), -1)]
    shown = found(gone, {})
    assert shown["revenue.mrr"].value == 0
    assert shown["revenue.customer_churn"].reason == "No MRR when the last complete month began"


@pytest.mark.parametrize("rolled_up", [False, True])
def test_the_rolled_up_bridge_is_that_of_the_rows_and_ends_on_its_day(
    customer, subscribe, rolled_up
):
    one = subscribe(date(2025, 11, 3), "100")
    subscribe(date(2026, 3, 2), "50")
    if rolled_up:
        roll_up(now=datetime(2026, 3, 20, 10, tzinfo=UTC))
    customers.change(one.pk, on=date(2026, 3, 15), amount=Decimal(70), plan=None, now=NOW)
    span = (date(2025, 10, 1), date(2026, 3, 31))
    mark = reports.valid_watermark()
    assert (mark is not None) == rolled_up
    months = reports.ledger_months("USD", mark, basis=reports.EFFECTIVE)
    assert months.bridge(*span) == reports.bridge("USD", *span, basis=reports.EFFECTIVE)
    assert months.bridge(date(2026, 3, 1), date(2026, 3, 10))[-1].closing == 150
    assert reports.ledger_months("EUR", mark).bridge(*span)[-1].closing == 0


def test_measuring_reads_the_ledger_once_for_each_period(
    customer, subscribe, django_assert_max_num_queries
):
    for day, amount in ((date(2024, 11, 3), "100"), (date(2026, 3, 2), "50")):
        subscribe(day, amount, now=datetime.combine(day, time(12), UTC))
    names = [each.name for each in company_metrics.METRICS]
    with django_assert_max_num_queries(14):
        measured = measure(names, QUERY, QUERY.period.before())
    assert [each.metric.name for each in measured] == names
    assert measured[0].earlier is not None
    assert (measured[0].reading.value, measured[0].earlier.value) == (150, 100)
    assert measured[0].as_of == NOW
    over = measure(["revenue.mrr"], MetricQuery(Period(TODAY, TODAY), "USD", NOW))
    assert over[0].earlier is None
