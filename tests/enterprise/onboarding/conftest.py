"""A flow of Acme Corp, begun on a Monday morning; a clock that a test moves."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from enterprise.onboarding.models import OnboardingFlow
from enterprise.onboarding.services import automation, flows
from enterprise.onboarding.services.flows import NewCompany

MONDAY = datetime(2027, 5, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
AUTOMATED = ("account_creation", "sla_assignment", "environment_setup", "api_key_generation")
ACME = NewCompany("Acme Corp", 500, Decimal(50_000_000), contact_email="it@acme.example")


@pytest.fixture
def flow(db):
    return flows.create(ACME, MONDAY)


@pytest.fixture
def automated(flow):
    """The flow after the worker has done its part."""
    with time_machine.travel(MONDAY + timedelta(seconds=10), tick=False):
        automation.run_due()
    return OnboardingFlow.objects.get(pk=flow.pk)


def states_of(flow):
    return dict(flow.steps.order_by("order").values_list("name", "state"))
