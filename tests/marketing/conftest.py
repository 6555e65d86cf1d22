"""A small company whose true response is known: weekly rows on Mondays, the last before NOW."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from aethercrown import demo
from aethercrown.history import tracking
from marketing.budget import reports
from marketing.channels.models import Channel, Performance
from marketing.demo import services as demo_company
from tests import snapshot

NOW = datetime(2026, 1, 12, 3, tzinfo=UTC)
LAST_WEEK = date(2026, 1, 5)
WEEK = timedelta(weeks=1)
USUAL = {"Search": 5000, "Social": 3000, "Video": 2000}
POWER = {"Search": 0.4, "Social": 0.5, "Video": 0.7}


def overview(plan_id=None):
    """The budget page, every part of it taken to be there."""
    return reports.overview("USD", plan_id)


def brought(plan, until):
    """What a plan applied at NOW brought, taken to be known."""
    return reports.measured_effect(plan, NOW, until)


def money(amount):
    return Decimal(repr(round(float(amount), 2)))


@pytest.fixture
def live(db):
    """Live weeks: `live(30)` up to NOW by chance; `live(4, plan=..., after=True)` under a plan."""
    draw = np.random.default_rng(11)

    def weeks(count, *, plan=None, after=False, revenue=True, level=1.0):
        first = LAST_WEEK + WEEK if after else LAST_WEEK - (count - 1) * WEEK
        made = {
            name: Channel.objects.get_or_create(name=name, defaults={"currency": "USD"})[0]
            for name in USUAL
        }
        for name, usual in USUAL.items():
            mean = float(plan[name]) if plan else usual
            spend = mean * np.exp((0.05 if plan else 0.3) * draw.standard_normal(count))
            earned = level * 3 * usual * (spend / usual) ** POWER[name]
            earned *= np.exp(0.03 * draw.standard_normal(count))
            Performance.objects.bulk_create(
                Performance(
                    channel=made[name],
                    date=first + n * WEEK,
                    spend=money(spend[n]),
                    revenue=money(earned[n]) if revenue else None,
                    currency="USD",
                )
                for n in range(count)
            )
        return made

    return weeks


def seed_demo(today):
    """Marketing's part of the demo company; the other parts cost ten times as much."""
    with tracking.silent():
        demo_company.seed(demo.Seeding(today, np.random.default_rng(demo.SEED)))


def load_demo(today):
    """The same, made once a run."""
    snapshot.loaded(f"marketing's demo company of {today}", lambda: seed_demo(today))
