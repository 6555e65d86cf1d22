"""The demo company's quotes and its draft come, and go again to the last row."""

from datetime import date

import numpy as np
import pytest
from django.apps import apps

from aethercrown import demo
from revenue.billing import reports
from revenue.customers.models import Customer
from revenue.demo.services import seed, seed_prices
from revenue.pricing import services
from revenue.pricing.models import PlanPrice, PriceBookVersion, Quote
from revenue.pricing.seeding import seed_default_book
from revenue.upsell.models import Opportunity
from tests import snapshot
from tests.revenue.pricing.conftest import NOON

TODAY = date(2026, 1, 16)  # as the demo company of other tests: its rows are made once


@pytest.fixture
def published(db):
    seed_default_book(apps)
    return PriceBookVersion.objects.get(number=1)


def counts():
    return [each.objects.count() for each in (Quote, PriceBookVersion, PlanPrice)]


def test_quotes_and_a_draft_are_there_and_gone_again(published):
    before = counts()
    snapshot.loaded("the demo company", lambda: demo.seed(TODAY))
    assert counts() == [40, 2, 6]
    draft = PriceBookVersion.objects.get(number=2)
    found = reports.simulation(draft, published, TODAY)
    assert found.pay_more
    assert found.pay_less
    assert demo.clear().kept == []
    assert counts() == before


def test_without_the_documented_prices_nothing_is_quoted(published):
    services.retire(published.pk, now=NOON)
    seeding = demo.Seeding(TODAY, np.random.default_rng(1))
    seed_prices(seeding)
    assert counts() == [0, 1, 3]
    seed(seeding)
    assert Customer.objects.exists()
    assert not Opportunity.objects.exists()
