"""A running test with two arms, and events sent to it."""

from datetime import UTC, datetime, timedelta

import pytest

from marketing.experiments import services
from marketing.experiments.services import AbTestSettings, NewVariant

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
MONDAY = START.replace(hour=10, minute=20)
WEEK = timedelta(days=7)


@pytest.fixture
def running(db, settings):
    settings.MIN_SAMPLE_SIZE_AB_TEST = 50
    given = AbTestSettings(test_id="t1", attribution_window_hours=168)
    return services.create("Button", [NewVariant(), NewVariant()], given, now=START)


def impression(visitor, variant="A", **fields):
    return {"variant_id": variant, "event": "impression", "visitor_id": visitor, **fields}


def conversion(visitor, variant="A", **fields):
    return {"variant_id": variant, "event": "conversion", "visitor_id": visitor, **fields}


def send(*events, at=MONDAY, test_id="t1"):
    return services.track(test_id, events, now=at)


def crowd(variant, visitors, converters, prefix=""):
    """Visitors of one arm at one time, of whom the first convert."""
    names = [f"{prefix}{variant}{number}" for number in range(visitors)]
    return [
        *(impression(name, variant) for name in names),
        *(conversion(name, variant) for name in names[:converters]),
    ]
