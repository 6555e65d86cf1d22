"""The demo company's quotes and its draft come, and go again to the last row."""

from datetime import date

import pytest
from django.apps import apps

from aethercrown import demo
from revenue.billing import reports
from revenue.pricing import services
from revenue.pricing.models import PlanPrice, PriceBookVersion, Quote
from revenue.pricing.seeding import seed_default_book
from tests.revenue.pricing.conftest import NOON

TODAY = date(2026, 11, 20)


@pytest.fixture
def published(db):
    seed_default_book(apps)
    return PriceBookVersion.objects.get(number=1)


def counts():
    return [each.objects.count() for each in (Quote, PriceBookVersion, PlanPrice)]


def test_quotes_and_a_draft_are_there_and_gone_again(published):
    before = counts()
    demo.seed(TODAY)
    assert counts() == [40, 2, 6]
    draft = PriceBookVersion.objects.get(number=2)
    found = reports.simulation(draft, published, TODAY)
    assert found.pay_more
    assert found.pay_less
    assert demo.clear().kept == []
    assert counts() == before


def test_the_same_day_makes_the_same_quotes(published):
    def told():
        demo.seed(TODAY)
        found = list(Quote.objects.order_by("quoted_at").values_list("plan__code", "final_price"))
        demo.clear()
        return found

    assert told() == told()


def test_without_the_documented_prices_nothing_is_quoted(published):
    services.retire(published.pk, now=NOON)
    demo.seed(TODAY)
    assert counts() == [0, 1, 3]
    demo.clear()
