"""Stored rows where only the company's total revenue is known."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from marketing.budget import reports, services
from marketing.channels.models import TotalRevenue
from tests.marketing.conftest import LAST_WEEK, NOW, WEEK, brought

pytestmark = pytest.mark.django_db


@pytest.fixture
def totals(live):
    live(40, revenue=False)
    draw = np.random.default_rng(3)
    TotalRevenue.objects.bulk_create(
        TotalRevenue(
            date=LAST_WEEK - n * WEEK,
            amount=Decimal(60_000) + int(2_000 * draw.standard_normal()),
            currency="USD",
        )
        for n in range(40)
    )


def test_a_plan_from_totals_waits_for_a_person_and_is_measured_by_totals(totals, live):
    plan = services.replan(now=NOW, mode="auto")
    assert plan.mode == "aggregate"
    assert not plan.auto_applicable
    assert plan.decision.status == "proposed"
    services.approve(plan.pk, actor="ada", now=NOW)

    live(4, after=True, revenue=False)
    TotalRevenue.objects.bulk_create(
        TotalRevenue(date=LAST_WEEK + n * WEEK, amount=60_000, currency="USD") for n in range(1, 5)
    )
    until = (NOW + timedelta(weeks=4)).date()
    assert reports.revenue_by_period(plan, until)[LAST_WEEK + WEEK] == 60_000
    assert len(brought(plan, until).periods) == 4
