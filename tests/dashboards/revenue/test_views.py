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
    return list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))


def test_the_page_shows_the_bridge_plans_segments_and_customers(company, page):
    text = page.get(PAGE).content.decode()
    for words in ("MRR changes", "MRR by plan", "Show the bridge of each", "professional"):
        assert words in text
    assert "Show the bridge" not in page.get(f"{PAGE}?by=segment").content.decode()
    assert reports.top_customers("USD", 1)[0].name in text
    assert "/admin/revenue/customer/" not in text


def test_the_bridge_as_csv_adds_up_month_by_month(company, page):
    _, *months = rows(page.get(f"{PAGE}?format=csv&table=bridge&months=24"))
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
    assert "No subscriptions in USD yet" in page.get(PAGE).content.decode()
    assert "No customers yet" in page.get("/").content.decode()


def test_another_currency_and_view_stand_in_the_address(company, page):
    assert "No subscriptions in EUR" in page.get(f"{PAGE}?currency=EUR").content.decode()
    text = page.get(f"{PAGE}?view=restated&months=6").content.decode()
    assert "in which it took effect" in text
    assert "MRR $" in page.get("/").content.decode()


@pytest.mark.parametrize("query", ["months=7", "months=x", "view=x", "currency=usd", "format=pdf"])
def test_an_address_that_asks_for_something_else_is_refused(page, query):
    assert page.get(f"{PAGE}?{query}").status_code == 400


def test_a_stranger_is_sent_to_sign_in(client):
    assert client.get(PAGE).status_code == 302


def test_the_page_costs_few_queries(company, page, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        page.get(PAGE)
