"""The budget's pages over real rows: plans, a channel, an empty company, totals only."""

import csv
from decimal import Decimal

import pytest

from marketing.budget.models import BudgetPlan
from tests.dashboards import company

WEEKS_OF_ROWS = "from=2025-12-15&to=2026-01-05"
DASH = "\N{EN DASH}"


@pytest.fixture
def plans(db) -> list[BudgetPlan]:
    return company.with_plans()


def rows(answer) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(text.splitlines()))


def test_the_page_shows_the_waiting_plan_with_its_verdict(page, plans):
    text = page.get("/dashboards/budget").content.decode()
    assert f"Plan {plans[1].pk} of 12 Jan 2026" in text
    titles = {True: "Apply: a lift is probable enough", False: "A recommendation: review it"}
    assert titles[plans[1].auto_applicable] in text
    for name in ("Search", "Social", "Video", "Affiliates &amp; partners"):
        assert name in text


def test_an_older_plan_has_its_own_address(page, plans):
    text = page.get(f"/dashboards/budget?plan={plans[0].pk}").content.decode()
    assert f"Plan {plans[0].pk} of 10 Nov 2025" in text
    assert "Measured" in text


def test_the_history_sets_the_gain_beside_the_promise(page, plans):
    answer = page.get("/dashboards/budget?format=csv&table=history")
    header, newest, older = rows(answer)
    assert header[5] == "Expected lift"
    assert (newest[4], newest[7]) == ("proposed", "")
    assert older[4] == "measured"
    assert float(older[7]) == pytest.approx(plans[0].decision.realised["value"])


def test_the_allocation_as_csv_adds_up_to_the_budget(page, plans):
    answer = page.get("/dashboards/budget?format=csv&table=allocation")
    assert answer["Content-Disposition"] == 'attachment; filename="budget-allocation.csv"'
    assert sum(Decimal(row[2]) for row in rows(answer)[1:]) == plans[1].total


def test_every_table_comes_as_csv(page, plans):
    for table in ("marginal", "curves", "placebo", "trend"):
        assert rows(page.get(f"/dashboards/budget?format=csv&table={table}")), table


def test_the_period_stands_in_the_address(page):
    company.channels(weeks=9)
    answer = page.get(f"/dashboards/budget?{WEEKS_OF_ROWS}&format=csv&table=trend")
    assert len(rows(answer)) - 1 == 4
    text = page.get("/dashboards/budget?from=2020-01-01&to=2020-01-31").content.decode()
    assert "Spend and revenue" not in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-03-02&to=2026-03-01", "before it starts"),
        ("period=7m", "period is one of 3m, 6m, 12m, 24m"),
        ("from=x&to=2026-01-05", "from is a day such as"),
    ],
)
def test_a_wrong_period_is_said_on_the_page(page, query, said):
    company.channel("Radio", weeks=2)
    for path in ("/dashboards/budget", "/dashboards/budget/Radio"):
        answer = page.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert said in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "plan=x",
        "plan=",
        "plan=9" * 9,
        "format=pdf",
        "currency=usd",
        "currency=%00",
    ],
)
def test_an_address_that_asks_for_something_else_is_refused(page, query):
    assert page.get(f"/dashboards/budget?{query}").status_code == 400


@pytest.mark.parametrize("query", ["plan=999999", "format=csv&table=nothing"])
def test_what_is_not_there_is_not_found(page, query):
    assert page.get(f"/dashboards/budget?{query}").status_code == 404


def test_a_company_without_plans_is_told_how_to_begin(page):
    text = page.get("/dashboards/budget").content.decode()
    assert "There is no plan yet" in text
    assert "$0" not in text


def test_rows_without_a_plan_still_show_their_trend(page):
    company.channels(weeks=8)
    text = page.get(f"/dashboards/budget?{WEEKS_OF_ROWS}").content.decode()
    assert "There is no plan yet" in text
    assert "Spend and revenue" in text


def test_another_currency_has_a_page_of_its_own(page, plans):
    assert "There is no plan yet" in page.get("/dashboards/budget?currency=EUR").content.decode()
    text = page.get(f"/dashboards/budget?currency=EUR&plan={plans[1].pk}").content.decode()
    assert "Search" in text


def test_a_channel_shows_its_curve_its_money_and_why(page, plans):
    text = page.get("/dashboards/budget/Affiliates%20%26%20partners").content.decode()
    assert "Response curve" in text
    assert "In force:" in text
    assert "Affiliates &amp; partners" in text


def test_a_channel_has_its_own_csv(page, plans):
    answer = page.get("/dashboards/budget/Video?format=csv&table=curves")
    assert {row[0] for row in rows(answer)[1:]} == {"Video"}


def test_a_channel_that_the_plan_does_not_know_shows_its_rows(page, plans):
    company.channel("Radio", weeks=3)
    text = page.get("/dashboards/budget/Radio").content.decode()
    assert "This channel is not in the plan" in text
    assert "Spend and revenue" in text


@pytest.mark.parametrize("name", ["Telegraph", "a/b"])
def test_an_unknown_channel_is_not_found(page, name):
    assert page.get(f"/dashboards/budget/{name}").status_code == 404


def test_totals_alone_make_a_page_without_revenue_by_channel(page):
    company.channels(weeks=60, revenue=False)
    plan = company.waiting()
    assert plan.mode == "aggregate"
    text = page.get("/dashboards/budget").content.decode()
    assert "Under other assumptions" in text
    trend = page.get(f"/dashboards/budget?{WEEKS_OF_ROWS}&format=csv&table=trend")
    assert all(row[2] for row in rows(trend)[1:])
    channel = page.get(f"/dashboards/budget/Video?{WEEKS_OF_ROWS}&format=csv&table=trend")
    assert [row[2] for row in rows(channel)[1:]] == [""] * 4


def test_the_pages_cost_few_queries(page, plans, django_assert_num_queries):
    with django_assert_num_queries(17):
        page.get("/dashboards/budget")
    with django_assert_num_queries(10):
        page.get("/dashboards/budget/Search")
