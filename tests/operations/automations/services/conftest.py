"""What the tests of these services share."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from operations.automations import services
from operations.automations.models import Run
from operations.automations.services import execute
from tests.operations.conftest import NOON

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ONE = NOON + HOUR


def at(moment):
    return lambda: moment


def states():
    return list(Run.objects.order_by("planned_for").values_list("state", "reason"))


def lapse(run):
    """As if its worker had been dead for a minute."""
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(minutes=1))


def failing(_context):
    raise ValueError("no rows for channel 'search'")


@pytest.fixture
def claimed(automation):
    automation()
    services.enqueue_due_runs("ads", ONE)
    return execute.claim(Run.objects.get().pk, "first", ONE)
