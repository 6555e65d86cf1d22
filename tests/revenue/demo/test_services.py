"""The demo company's customers: two years that add up, the same each time, and gone again."""

from datetime import date

import numpy as np
import pytest
from django.apps import apps

from aethercrown import demo
from aethercrown.demo import NotEmpty, Seeding
from revenue.customers import reports
from revenue.customers.models import Customer, Movement
from revenue.customers.movements import Kind
from revenue.demo import services
from revenue.demo.company import MONTHS, lives
from revenue.ledger import reports as ledger

TODAY = date(2026, 1, 16)
TABLES = ("Customer", "Subscription", "Change", "Movement", "Payment")


def counts():
    models = [apps.get_model("revenue", name) for name in TABLES]
    return [model.objects.count() for model in models]


def seeded():
    services.seed(Seeding(TODAY, np.random.default_rng(1)))


def test_lives_are_the_same_for_the_same_chance():
    assert lives(np.random.default_rng(5), TODAY) == lives(np.random.default_rng(5), TODAY)


def test_nothing_happens_after_today_and_moments_follow_each_other():
    for life in lives(np.random.default_rng(7), TODAY):
        days = [moment.on for each in life.subscriptions for moment in each]
        assert days == sorted(days)
        assert days[-1] <= TODAY


@pytest.mark.django_db
def test_two_years_hold_every_kind_of_movement_and_add_up():
    seeded()
    bridges = reports.bridge("USD", date(2024, 2, 1), TODAY)
    assert len(bridges) == MONTHS
    assert bridges[0].opening == 0
    assert all(each.closing > 0 for each in bridges)
    assert set(Movement.objects.values_list("kind", flat=True)) == {each.value for each in Kind}
    assert ledger.differing() == (0, [])
    assert bridges[-1].closing == sum(each.mrr for each in reports.plans("USD"))


@pytest.mark.django_db
def test_an_installation_with_customers_is_left_alone():
    Customer.objects.create(external_id="ours", name="Ours")
    with pytest.raises(NotEmpty, match="has customers of its own"):
        seeded()
    assert counts() == [1, 0, 0, 0, 0]


@pytest.mark.django_db
def test_clearing_leaves_no_row_behind():
    seeded()
    assert all(counts())
    assert demo.clear().kept == []
    assert counts() == [0] * len(TABLES)
