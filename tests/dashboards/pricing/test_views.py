"""Pricing's pages over real rows: what holds, a version against it, a quote."""

import csv
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from operations.jobs import services as jobs
from revenue.billing.reports import accounts
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing import reports, services
from revenue.pricing.calculation.inputs import read_inputs
from revenue.pricing.models import PriceBook, PriceBookVersion, Quote
from revenue.pricing.seeding import seed_default_book

PRICING = "/dashboards/pricing"


@pytest.fixture
def published(db):
    seed_default_book(apps)
    return PriceBookVersion.objects.get(number=1)


@pytest.fixture
def draft(published):
    now = timezone.now()
    return services.draft("standard", effective_from=now.date(), now=now)


@pytest.fixture
def quoted(published):
    usage, engaged = {"api_calls": 50000, "storage_gb": 250}, {"daily_active_rate": 0.75}
    known = read_inputs(usage, {**engaged, "tenure_months": 18})
    return services.create_quote("professional", known, now=timezone.now(), by="ada")[0]


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def rows(answer):
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    return list(csv.reader(lines))


def raised(draft, base):
    price = draft.prices.get(plan__code="professional")
    price.base_price = base
    price.save()


def test_the_page_shows_plans_versions_and_quotes(page, draft, quoted):
    shown = text(page.get(PRICING))
    for each in ("standard version 1", "standard version 2", "$499.00", "110.21", "ada"):
        assert each in shown
    assert len(rows(page.get(f"{PRICING}?format=csv&table=plans"))) == 4
    assert len(rows(page.get(f"{PRICING}?format=csv&table=quotes"))) == 2


def test_without_prices_in_force_the_page_says_what_to_do(page, published):
    services.retire(published.pk, now=timezone.now())
    assert "publish one in the admin" in text(page.get(PRICING))
    assert "publish one in the admin" in text(page.get(f"{PRICING}/versions/{published.pk}"))


def test_a_version_shows_who_would_pay_more(page, draft, quoted):
    raised(draft, 199)
    shown = text(page.get(f"{PRICING}/versions/{draft.pk}"))
    for each in ("Pay more", "+$111", "Largest rises", str(quoted.quote_id)):
        assert each in shown
    (_, row) = rows(page.get(f"{PRICING}/versions/{draft.pk}?format=csv&table=rises"))
    assert Decimal(row[4]) == Decimal("111.32")


def test_a_version_shows_what_stands_against_it(page, draft):
    raised(draft, "99.005")
    shown = text(page.get(f"{PRICING}/versions/{draft.pk}"))
    assert "professional.base_price: has more than the 2 decimals of USD" in shown
    assert "No customers yet" in shown


def test_who_cannot_be_rated_is_listed(page, draft, quoted):
    draft.prices.filter(plan__code="professional").delete()
    again = services.create_quote("professional", read_inputs({}), now=timezone.now(), by="ada")[0]
    assert "Not priced" in text(page.get(f"{PRICING}/versions/{draft.pk}"))
    (_, row) = rows(page.get(f"{PRICING}/versions/{draft.pk}?format=csv&table=left-out"))
    assert "not 'professional'" in row[0]
    assert row[1] == "2"  # a reason once, whatever number of customers
    assert str(again.quote_id) in row[2]


def test_plans_show_what_they_earn(page, published):
    made = Customer.objects.create(external_id="acme", name="Acme", currency="USD")
    customers.record_subscription(
        made.pk,
        external_id="acme-1",
        amount=Decimal("88.50"),
        currency="USD",
        started_on=timezone.localdate(),
        plan="starter",
        now=timezone.now(),
    )
    _, starter, professional, _ = rows(page.get(f"{PRICING}?format=csv&table=plans"))
    assert [starter[3], Decimal(starter[4])] == ["1", Decimal("88.50")]
    assert [professional[3], Decimal(professional[4])] == ["0", 0]


def test_a_version_of_a_book_without_prices_in_force_has_no_simulation(page, published):
    PriceBook.objects.create(code="other", title="Other", currency="EUR")
    now = timezone.now()
    made = services.draft("other", effective_from=now.date() + timedelta(days=9), now=now)
    assert "No version of the price book other" in text(page.get(f"{PRICING}/versions/{made.pk}"))


def test_a_quote_is_explained_line_by_line(page, quoted):
    path = f"{PRICING}/quotes/{quoted.quote_id}"
    shown = text(page.get(path))
    for each in ("api calls of 50000: x 1.1", "every line has the same figures", "$110.21"):
        assert each in shown
    found = rows(page.get(f"{path}?format=csv&table=lines"))
    assert Decimal(found[-1][3]) == Decimal("110.21")


def test_an_agreed_price_stands_above_its_lines(page, quoted):
    Quote.objects.update(agreed_price=70)
    assert "Agreed: $70.00" in text(page.get(f"{PRICING}/quotes/{quoted.quote_id}"))


def test_lines_that_no_longer_come_out_are_said_to_differ(page, quoted):
    Quote.objects.update(lines=quoted.lines[:1])
    assert "the lines differ" in text(page.get(f"{PRICING}/quotes/{quoted.quote_id}"))


def test_lines_whose_words_an_earlier_version_wrote_repeat(page, quoted):
    Quote.objects.update(lines=[{**each, "description": "1 packages"} for each in quoted.lines])
    assert "the same figures" in text(page.get(f"{PRICING}/quotes/{quoted.quote_id}"))


@pytest.mark.parametrize("path", ["versions/999999", f"quotes/{UUID(int=0)}"])
def test_what_is_not_there_is_not_found(page, published, path):
    assert page.get(f"{PRICING}/{path}").status_code == 404


def test_a_quote_of_a_version_that_was_tampered_with_differs(page, quoted):
    with connection.cursor() as cursor:
        off = "DROP TRIGGER revenue_planprice_immutable"
        cursor.execute(off if connection.vendor == "sqlite" else f"{off} ON revenue_planprice")
        cursor.execute("UPDATE revenue_planprice SET base_price = 1")
    reports.cached_books.clear()
    assert "the lines differ" in text(page.get(f"{PRICING}/quotes/{quoted.quote_id}"))


def test_a_stranger_is_sent_to_sign_in(client, quoted):
    assert client.get(PRICING).status_code == 302


def test_more_customers_than_a_page_prices_are_simulated_as_a_job(page, draft, quoted, monkeypatch):
    monkeypatch.setattr(accounts, "MAX_PAGE_ACCOUNTS", 0)
    raised(draft, 199)
    path = f"{PRICING}/versions/{draft.pk}"
    made = Customer.objects.create(external_id="acme", name="Acme", currency="USD")
    customers.record_subscription(
        made.pk, external_id="acme-1", amount=Decimal(99), currency="USD", plan="professional",
        started_on=timezone.localdate(), basis="list", now=timezone.now(),
    )  # fmt: skip
    assert "Simulate for all customers" in text(page.get(path))
    page.post(path)
    assert 'hx-trigger="every 2s"' in text(page.get(path))
    page.post(path)  # the same job goes on
    done = jobs.run_next()
    assert done
    assert done.result
    assert done.result["simulation"]["customers"] == 1
    assert jobs.run_next() is None
    shown = text(page.get(path))
    for each in ("acme-1", "Pay more", "against standard version 1", "Simulate again"):
        assert each in shown
    assert "Changed since" not in shown
    raised(draft, 299)
    assert "Changed since" in text(page.get(path))
    assert "standard version 2" in text(page.get("/dashboards/jobs"))


def test_more_quotes_than_a_page_prices_are_a_job_too(page, draft, quoted, monkeypatch):
    monkeypatch.setattr(accounts, "MAX_PAGE_ACCOUNTS", 0)
    raised(draft, 199)
    assert "Simulate for all customers" in text(page.get(f"{PRICING}/versions/{draft.pk}"))


def test_a_simulation_that_cannot_be_made_says_why(page, draft, published):
    services.retire(published.pk, now=timezone.now())
    answer = page.post(f"{PRICING}/versions/{draft.pk}", follow=True)
    assert "publish one in the admin" in text(answer)
    assert jobs.run_next() is None
