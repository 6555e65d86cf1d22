"""The demo company's usage comes, is near its limits, and goes without a trace."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
import time_machine
from django.apps import apps

from aethercrown import demo as company
from aethercrown.demo import Seeding
from enterprise.demo import services
from enterprise.usage import models
from enterprise.usage import services as usage
from operations.decisions.models import Decision
from revenue.billing.models import DailyUse
from revenue.customers.models import Customer, Subscription
from revenue.pricing.seeding import seed_default_book

pytestmark = [pytest.mark.django_db, pytest.mark.once]
TODAY = date(2027, 5, 6)
CLIENTS = 2  # of the demo company; it has more where the whole of it is seeded
EVERY = CLIENTS * services.DAYS * len(services.METRICS)


@pytest.fixture
def seeded(settings):
    settings.DEMO_USAGE_EVENTS = EVERY
    seed_default_book(apps)
    seeding = Seeding(TODAY, np.random.default_rng(1))
    with time_machine.travel(seeding.now, tick=False):
        for number in range(CLIENTS):
            client = Customer.objects.create(external_id=f"demo-{number}", name=f"Demo {number}")
            plan = Subscription.objects.create(
                external_id=f"demo-{number}", customer=client, currency="USD", plan="starter",
                started_on=TODAY - timedelta(days=200),
            )  # fmt: skip
            seeding.keep([client, plan])
        services.seed(seeding)
    return seeding


def test_every_client_has_each_metric_daily_is_near_a_limit_and_goes_again(seeded):
    days = models.UsageDay.objects.filter(day__gt=date(2027, 4, 1))
    assert days.values("customer").distinct().count() == CLIENTS
    assert models.UsageEvent.objects.count() == EVERY + len(services.LOST)
    assert models.UsageBackfill.objects.get().state == "applied"
    assert Decision.objects.get(kind="usage_backfill").status == Decision.Status.APPLIED
    assert models.UsageAlert.objects.exists()
    assert not models.DirtyClient.objects.exists()
    assert not models.UsageDay.objects.filter(is_booked=False, day__lt=TODAY).exists()
    services.seed(seeded)
    assert models.UsageEvent.objects.count() == EVERY + len(services.LOST)
    clearing_leaves_nothing_even_where_a_plan_set_a_limit(seeded)


def clearing_leaves_nothing_even_where_a_plan_set_a_limit(seeded):
    metric = models.UsageMetric.objects.get(code="exports")
    customer = models.UsageEvent.objects.values_list("customer", flat=True)[0]
    usage.set_limits(
        customer, {metric.pk: Decimal(1)}, valid_from=seeded.now,
        source=models.UsageLimit.Source.PLAN, by="plan starter", now=seeded.now,
    )  # fmt: skip
    usage.evaluate_dirty(seeded.now)
    cleared = company.clear()
    assert cleared.kept == []
    for model in (*services.TABLES, models.EventKey, DailyUse, Decision):
        assert not model._default_manager.exists(), model
