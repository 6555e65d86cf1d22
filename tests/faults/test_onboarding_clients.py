"""32 clients at the same moment on a few flows: no illegal state, whichever of them wins.

ONBOARDING_CALLS makes it shorter or longer, FAULT_SEED repeats the draws. On both databases:
`./manage.py test --on postgresql -- -m fault tests/faults/test_onboarding_clients.py`.
"""

import itertools
import json
import os
import random
import secrets
from collections import Counter
from datetime import UTC, datetime

import pytest
from django.db import OperationalError

from aethercrown.transitions import InvalidTransition
from enterprise.onboarding.models import OnboardingFlow, StepTransition
from enterprise.onboarding.services import flows, steps
from enterprise.onboarding.services.actions import ActionRefused
from enterprise.onboarding.services.flows import NewCompany
from tests.enterprise.onboarding.random_walk import act, faults_of

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
CALLS = int(os.environ.get("ONBOARDING_CALLS", "40"))  # of each client
CLIENTS, FLOWS = 32, 4
MONDAY = datetime(2027, 5, 3, 9, tzinfo=UTC)
REFUSED = (InvalidTransition, ActionRefused, steps.UnknownStep)


def test_32_clients_leave_no_illegal_state(at_once):
    made = [flows.create(NewCompany(f"Company {place}"), MONDAY).pk for place in range(FLOWS)]
    numbers = itertools.count()
    outcomes: Counter[str] = Counter()

    def client():
        drawn = random.Random(SEED + next(numbers))  # noqa: S311 - a test's choice
        for _ in range(CALLS):
            try:
                act(drawn, drawn.choice(made), MONDAY)
                outcomes["done"] += 1
            except REFUSED:
                outcomes["refused"] += 1
            except OperationalError:  # SQLite: another held the file for longer than we wait
                outcomes["busy"] += 1

    broken = [each for each in at_once(client, CLIENTS) if isinstance(each, Exception)]
    wrong = {pk: found for pk in made if (found := faults_of(pk))}
    completed = OnboardingFlow.objects.filter(status="completed").count()
    print(json.dumps({  # noqa: T201 - the figure
        "fault": f"{CLIENTS} clients, {CALLS} calls each, {FLOWS} flows", "seed": SEED,
        **outcomes, "log_rows": StepTransition.objects.count(), "completed": completed,
        "wrong": wrong, "errors": [repr(each) for each in broken],
        "verdict": "broken" if wrong or broken else "ok",
    }))  # fmt: skip
    assert not wrong
    assert not broken
