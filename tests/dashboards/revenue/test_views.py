"""The page of recurring revenue over real rows."""

import csv
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from aethercrown.demo import Seeding
from revenue.customers import reports
from revenue.demo import services
from security.access.models import User
from tests import snapshot
from tests.revenue.customers.conftest import mrr as mrr_on

PAGE = "/dashboards/revenue"


@pytest.fixture
def company(db) -> Seeding:
    """First of a test's fixtures: its rows keep the ids that they were made with."""

    def seed() -> Seeding:
        seeding = Seeding(datetime.now(UTC).date(), np.random.default_rng(3))
        services.seed(seeding)
        return seeding

    made: Seeding = snapshot.loaded("revenue's demo company", seed)
    return made


def rows(answer) -> list[list[str]]:
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


def test_the_page_shows_the_bridge_plans_segments_and_customers(company, page):
    text = page.get(PAGE).content.decode()
    for words in ("MRR changes", "MRR by plan", "Show the changes of each", "professional"):
        assert words in text
    assert "Show the bridge" not in page.get(f"{PAGE}?by=segment").content.decode()
    assert reports.paying_customers("USD").order_by("-mrr")[0].name in text
    assert "/admin/revenue/customer/" not in text


def test_the_bridge_as_csv_adds_up_month_by_month(company, page):
    _, *months = rows(page.get(f"{PAGE}?format=csv&table=bridge&period=24m"))
    assert len(months) == 24
    for line in months:
        opening, *moved, closing = map(Decimal, line[1:8])
        assert opening + sum(moved) == closing
    assert Decimal(months[0][7]) == mrr_on("USD", company.today)


def test_plans_and_segments_add_up_to_mrr(company, page):
    mrr = mrr_on("USD", company.today)
    plans = rows(page.get(f"{PAGE}?format=csv&table=plans"))[1:]
    segments = rows(page.get(f"{PAGE}?by=segment&format=csv&table=segments"))[1:]
    assert sum(Decimal(each[1]) for each in plans) == mrr
    assert sum(Decimal(each[7]) for each in segments) == mrr


@pytest.mark.parametrize("table", ["trend", "customers"])
def test_every_table_comes_as_csv(company, page, table):
    assert len(rows(page.get(f"{PAGE}?format=csv&table={table}"))) > 1


def test_staff_reach_a_customers_record(company, client):
    client.force_login(User.objects.create_superuser("root", password=None))
    assert "/admin/revenue/customer/" in client.get(PAGE).content.decode()


def test_a_company_without_customers_is_told_how_to_begin(page):
    assert "No subscription in USD until then" in page.get(PAGE).content.decode()
    assert "No subscription in USD until then" in page.get("/").content.decode()


def test_another_currency_and_view_stand_in_the_address(company, page):
    assert "No subscription in EUR" in page.get(f"{PAGE}?currency=EUR").content.decode()
    text = page.get(f"{PAGE}?view=effective&period=6m").content.decode()
    assert "in which it took effect" in text
    assert ">MRR</a>" in page.get("/").content.decode()


@pytest.mark.parametrize("query", ["period=7m", "view=x", "currency=usd", "format=pdf"])
def test_an_address_that_asks_for_something_else_is_refused(page, query):
    assert page.get(f"{PAGE}?{query}").status_code == 400


def test_a_stranger_is_sent_to_sign_in(client):
    assert client.get(PAGE).status_code == 302


def test_the_page_costs_few_queries(company, page, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        page.get(PAGE)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-03-02&to=2026-03-01", "ends on 1 Mar 2026, before it starts on 2 Mar 2026"),
        ("from=x&to=2026-03-01", "from is a day such as"),
        ("compare=x", "compare is one of previous, year, none"),
        ("customers.sort=nothing", "There is no column"),
        ("customers.page=x", "page is a number from 1"),
        (f"customers.q={'x' * 10_000}", "A search has at most 100 characters; this has 10,000"),
        ("customers.segment=none", "No customer has Segment"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_on_the_page(company, page, query, said):
    answer = page.get(f"{PAGE}?{query}")
    text = answer.content.decode()
    assert answer.status_code == 400
    assert said in text
    assert "MRR changes" in text


def test_the_tiles_compare_with_the_period_before(company, page):
    text = page.get(PAGE).content.decode()
    for words in ("Net retention", "Customer churn", "better than the", "sparkline"):
        assert words in text
    assert "better than" not in page.get(f"{PAGE}?compare=none").content.decode()


def test_the_csv_of_customers_has_all_of_them_and_the_page_twenty_five(company, page):
    paying = reports.paying_customers("USD")
    listed = rows(page.get(f"{PAGE}?format=csv&table=customers"))[1:]
    assert len(listed) == paying.count() > 25
    text = page.get(PAGE).content.decode()
    assert f"1 to 25 of {paying.count()}" in text
    total = sum(each.mrr for each in paying)
    assert sum(Decimal(each[-1]) for each in listed) == total
    assert f"${total:,.2f}" in text  # in the foot of the table


def test_customers_are_searched_filtered_and_sorted_by_the_address(company, page):
    one = reports.paying_customers("USD").order_by("name")[0]
    found = rows(page.get(f"{PAGE}?format=csv&table=customers&customers.q={one.external_id}"))[1:]
    assert [each[1] for each in found] == [one.external_id]
    kept = rows(page.get(f"{PAGE}?format=csv&table=customers&customers.segment={one.segment}"))[1:]
    assert {each[2] for each in kept} == {one.segment}
    names = [
        each[0]
        for each in rows(page.get(f"{PAGE}?format=csv&customers.sort=name&table=customers"))[1:]
    ]
    assert names[0] == one.name
