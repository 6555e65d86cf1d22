"""The demo company's customers: two years that add up, the same each time, and gone again."""

from collections import Counter
from datetime import date

import numpy as np
import pytest
from django.apps import apps

from aethercrown import demo
from aethercrown.demo import NotEmpty, Seeding
from operations.decisions.models import Decision
from revenue.billing.models import DailyUse
from revenue.billing.periods import billing_month
from revenue.billing.reports import accounts
from revenue.billing.reports.reconciliation import reconciliations
from revenue.customers import reports
from revenue.customers.models import Customer
from revenue.demo import services
from revenue.demo.company import MONTHS, customers_over_time
from revenue.mrr import reports as ledger
from revenue.mrr.models import MrrMovement
from revenue.mrr.movements import MovementKind
from revenue.mrr.reports import consistency
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.seeding import seed_default_book
from revenue.upsell.models import Opportunity
from tests import snapshot

TODAY = date(2026, 1, 16)
TABLES = (
    *("Customer", "Subscription", "SubscriptionChange", "MrrMovement", "Payment"),
    *("Meter", "DailyUse", "Opportunity"),
)


def counts():
    models = [apps.get_model("revenue", name) for name in TABLES]
    return [model.objects.count() for model in models]


def seeded():
    services.seed(Seeding(TODAY, np.random.default_rng(1)))


def test_lives_are_the_same_for_the_same_chance():
    assert customers_over_time(np.random.default_rng(5), TODAY) == customers_over_time(
        np.random.default_rng(5), TODAY
    )


def test_nothing_happens_after_today_and_moments_follow_each_other():
    for life in customers_over_time(np.random.default_rng(7), TODAY):
        days = [moment.on for each in life.subscriptions for moment in each]
        assert days == sorted(days)
        assert days[-1] <= TODAY


@pytest.fixture
def published(db):
    seed_default_book(apps)


@pytest.mark.usefixtures("published")
def test_every_customer_pays_what_the_documented_prices_make_of_the_use():
    for life in customers_over_time(np.random.default_rng(5), TODAY):
        last = life.subscriptions[-1][-1]
        if last.amount is None:
            continue
        if life.basis == "list":
            assert last.amount == BOOK.plan(last.plan).base
        elif last.usage == life.usage:
            assert last.amount == calculate_price(BOOK, last.plan, life.situation).final_price


@pytest.fixture
def company(published):
    """The version's id is in the rows, so it is in the name."""
    version = PriceBookVersion.objects.get(number=1).pk
    snapshot.loaded(f"the company of {TODAY}, version {version}", seeded)


@pytest.mark.usefixtures("company")
def test_use_is_stored_and_larger_plans_are_open_taken_declined_and_measured():
    states = Counter(Opportunity.objects.values_list("state", flat=True))
    assert min(states["open"], states["accepted"], states["declined"]) >= 2
    measured = Decision.objects.filter(kind="revenue.upsell_acceptance", status="measured")
    assert measured.exists()
    assert DailyUse.objects.values("customer").distinct().count() == 24
    found = accounts.simulation_accounts("USD", TODAY, 1_000)
    assert sum(len(each.periods) == 3 for each in found) >= 10


@pytest.mark.usefixtures("company")
def test_bills_are_mrr_and_use_and_every_difference_has_a_name():
    used = DailyUse.objects.filter(meter__code="api_calls")
    assert used.earliest("day").day == date(2024, 12, 1)  # thirteen complete months
    for month in (date(2025, 12, 1), date(2025, 10, 1)):
        found = [each for _, each in reconciliations("USD", billing_month(month))]
        assert len(found) > 60
        assert not [each for each in found if each.unexplained]
        for each in found:
            parts = each.mrr + each.proration - each.other_intervals_mrr + each.rounding
            parts += each.other_intervals_billed + each.use + each.adjustments + each.credits
            assert parts == each.billed
        steady = [each for each in found if not each.proration and not each.other_intervals_mrr]
        assert len(steady) > 40
        assert all(each.billed == each.mrr + each.use for each in steady)
        assert sum(bool(each.use) for each in steady) >= 10
        yearly = [each for each in found if each.other_intervals_mrr]
        assert len(yearly) >= 5
        assert any(each.other_intervals_billed for each in yearly)


@pytest.mark.usefixtures("company")
def test_two_years_hold_every_kind_of_movement_and_add_up():
    bridges = ledger.bridge("USD", date(2024, 2, 1), TODAY)
    assert len(bridges) == MONTHS
    assert bridges[0].opening == 0
    assert all(each.closing > 0 for each in bridges)
    assert set(MrrMovement.objects.values_list("kind", flat=True)) == {
        each.value for each in MovementKind
    }
    assert consistency.differing_customers() == (0, [])
    assert bridges[-1].closing == sum(each.mrr for each in reports.mrr_by_plan("USD"))


@pytest.mark.django_db
def test_an_installation_with_customers_is_left_alone():
    Customer.objects.create(external_id="ours", name="Ours")
    with pytest.raises(NotEmpty, match="has customers of its own"):
        seeded()
    assert counts() == [1, *[0] * (len(TABLES) - 1)]


@pytest.mark.usefixtures("company")
def test_clearing_leaves_no_row_behind():
    assert all(counts())
    assert Decision.objects.exists()
    assert demo.clear().kept == []
    assert counts() == [0] * len(TABLES)
    assert not Decision.objects.exists()
