"""The pages of larger plans over real rows."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.apps import apps

from operations.automations.registry import RunContext
from revenue.billing.models import DailyUse
from revenue.billing.services import usage
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing.seeding import seed_default_book
from revenue.upsell import services
from revenue.upsell.models import Opportunity

NOW = datetime(2026, 4, 1, 4, 10, tzinfo=UTC)
UPSELL = "/dashboards/upsell"


def grown(key, meter):
    made = Customer.objects.create(external_id=key, name=key.title(), currency="USD")
    customers.record_subscription(
        made.pk,
        external_id=key,
        amount=Decimal(29),
        currency="USD",
        started_on=date(2025, 11, 1),
        plan="starter",
        now=NOW,
    )
    days = (NOW.date() - timedelta(days=back) for back in range(1, 40))
    DailyUse.objects.bulk_create(
        DailyUse(customer=made, meter=meter, day=day, quantity=Decimal(500), booked_at=NOW)
        for day in days
    )


@pytest.fixture
def found(db):
    seed_default_book(apps)
    meter = usage.ensure_meter("api_calls")
    for key in ("acme", "bolt"):
        grown(key, meter)
    services.find_and_offer(RunContext("revenue.upsell", None, NOW, NOW, "propose", dry_run=False))
    first = Opportunity.objects.earliest("pk")
    services.accept(first.pk, by="ada", now=NOW, amount=Decimal(100), outcome="agreed")
    return Opportunity.objects.latest("pk")


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def rows(answer):
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


def test_the_page_shows_the_pipeline_and_what_was_expected(page, found):
    shown = text(page.get(UPSELL))
    for each in ("plan is recommended", "Bolt", "+$79.90", "not measured yet", "agreed", "100%"):
        assert each in shown
    assert rows(page.get(f"{UPSELL}?format=csv&table=pipeline"))[1][0] == "Bolt"
    assert len(rows(page.get(f"{UPSELL}?format=csv&table=effects"))) == 2


def test_one_opportunity_shows_every_plan_and_the_use_behind_it(page, found):
    shown = text(page.get(f"{UPSELL}/{found.pk}"))
    for each in ("professional for Bolt", "Plan fits: +$79.90 a month", "15,000", "$108.90", "60%"):
        assert each in shown
    assert len(rows(page.get(f"{UPSELL}/{found.pk}?format=csv"))) == 4
    assert page.get(f"{UPSELL}/999").status_code == 404


def test_nothing_found_yet_says_so(page, db):
    assert "No opportunity was found in USD yet" in text(page.get(UPSELL))


def test_another_currency_is_shown_where_there_is_only_that(page, found):
    Opportunity.objects.update(currency="EUR")
    assert "of offers, in EUR" in text(page.get(UPSELL))
    assert "No opportunity was found in USD" in text(page.get(f"{UPSELL}?currency=USD"))


def test_a_stranger_is_sent_to_sign_in(client, found):
    assert client.get(UPSELL).status_code == 302
    assert client.get(f"{UPSELL}/{found.pk}").status_code == 302


def test_the_page_asks_few_questions(page, found, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        page.get(UPSELL)
