"""The demo company's onboardings come, are shown, and go without a trace."""

from datetime import date

import numpy as np
import pytest
import time_machine

from aethercrown import demo as company
from aethercrown.demo import Seeding
from aethercrown.models import DemoRow
from enterprise.onboarding.models import OnboardingFlow, OnboardingTemplate
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import automation, demo, log
from enterprise.sla import reports as sla
from enterprise.sla.models import BusinessCalendar, SlaClock
from operations.decisions.models import Decision
from revenue.customers.models import Customer

pytestmark = pytest.mark.django_db
TODAY = date(2027, 5, 6)


@pytest.fixture
def seeded():
    seeding = Seeding(TODAY, np.random.default_rng(1))
    rows = [Customer(external_id=f"c{n}", name=f"Company {n}") for n in range(50)]
    seeding.keep(Customer.objects.bulk_create(rows))
    with time_machine.travel(seeding.now, tick=False):
        demo.seed(seeding)
    return seeding


def test_fifty_flows_one_moved_one_on_hold_and_a_holiday(seeded):
    assert OnboardingFlow.objects.count() == 50
    moved = OnboardingFlow.objects.get(status="active")
    assert moved.template_version.number == 2
    assert moved.reference_flows == 48
    assert log.first_fault(moved) is None
    assert "version 2" in Decision.objects.get(kind="onboarding_move").title
    assert "fell inside" in reports.forecast_record()
    assert sla.outdated_notes() == ["2 clocks run on an older version of Demo hours."]
    open_clocks = SlaClock.objects.exclude(state="stopped")
    assert set(open_clocks.values_list("state", flat=True)) == {"paused"}
    assert automation.run_due(lambda: seeded.now) == 0


def test_it_is_seeded_once_and_never_beside_own_flows(seeded):
    demo.seed(seeded)
    assert OnboardingFlow.objects.count() == 50


def test_clearing_leaves_nothing(seeded):
    cleared = company.clear()
    assert cleared.kept == []
    assert not OnboardingFlow.objects.exists()
    assert not SlaClock.objects.exists()
    assert not Decision.objects.exists()
    assert not DemoRow.objects.exclude(deleted="").exists()
    assert set(OnboardingTemplate.objects.values_list("name", flat=True)) == {"standard"}
    assert not BusinessCalendar.objects.filter(name="demo_hours").exists()
