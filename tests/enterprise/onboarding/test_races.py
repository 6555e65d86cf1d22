"""Many clients at the same moment: no illegal state, a whole log."""

import pytest

from enterprise.onboarding.models import OnboardingFlow, StepTransition
from enterprise.onboarding.services import automation, flows, log, steps
from security.apikeys.models import ApiKey
from tests.enterprise.onboarding.conftest import ACME, MONDAY, states_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_people_completing_one_step_both_succeed_with_one_entry(at_once):
    flow = flows.create(ACME, MONDAY)
    found = at_once(lambda: steps.complete(flow.pk, "account_creation", MONDAY).state, 4)
    assert found == ["done"] * 4
    assert StepTransition.objects.filter(step="account_creation", event="complete").count() == 1


def test_workers_at_the_same_moment_make_one_key(at_once):
    flow = flows.create(ACME, MONDAY)
    found = at_once(lambda: automation.run_due(lambda: MONDAY), 4)
    assert not [each for each in found if isinstance(each, Exception)]
    automation.run_due(lambda: MONDAY)
    assert sum(state == "done" for state in states_of(flow).values()) == 4
    assert ApiKey.objects.filter(customer__isnull=False).count() == 1
    assert log.first_fault(flow) is None


def test_a_company_is_onboarded_once_however_often_it_is_asked(at_once):
    found = at_once(lambda: flows.create(ACME, MONDAY), 4)
    assert sum(isinstance(each, flows.OpenFlow) for each in found) == 3
    assert OnboardingFlow.objects.count() == 1
