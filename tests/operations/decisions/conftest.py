"""A thermostat whose setting is decided on: the smallest subject that can change, and be undone."""

from datetime import timedelta

import pytest

from operations.automations.models import Automation
from operations.decisions import services
from operations.decisions.decision_types import (
    DecisionType,
    MeasuredEffect,
    Stale,
    decision_type_registry,
)
from operations.decisions.draft import Draft, ExpectedEffect
from tests.operations.conftest import NOON


class Thermostat:
    """Its setting stands in a row, so that it takes part in the transaction."""

    def __init__(self, automation):
        self.rows = Automation.objects.filter(pk=automation.pk)
        self.realised = MeasuredEffect(1.5, 1.0, 2.0, {"days": 7}, inside=True)

    @property
    def setting(self):
        return self.rows.get().title

    def put(self, setting):
        self.rows.update(title=setting)

    def apply(self, case):
        self._change(case.before["setting"], case.after["setting"])

    def undo(self, case):
        self._change(case.after["setting"], case.before["setting"])

    def measure(self, case, _now):
        return self.realised

    def _change(self, present, wanted):
        if self.setting != present:
            raise Stale(f"The setting is {self.setting}, not {present}.")
        self.put(wanted)


@pytest.fixture
def thermostat(automation):
    found = Thermostat(automation("heating"))
    found.put("18")
    decision_type_registry.register(
        DecisionType("setting", "Setting", found.apply, found.undo, found.measure)
    )
    return found


def draft(**changed):
    fields = {
        "automation": "heating",
        "kind": "setting",
        "subject": "hall",
        "title": "Hall to 20 degrees",
        "before": {"setting": "18"},
        "after": {"setting": "20"},
        "inputs_digest": "0" * 64,
        "method": "thermostat 1",
        "expected": ExpectedEffect("comfort", 1.5, 0.5, 2.5, 0.9, timedelta(days=7), "points"),
        "change_percent": 11.1,
        "data_as_of": NOON - timedelta(hours=1),
    }
    return Draft(**{**fields, **changed})


@pytest.fixture
def proposed(thermostat):
    return services.propose(draft(), mode="propose", now=NOON)


@pytest.fixture
def applied(proposed):
    return services.approve(proposed.pk, actor="ada", note="Cold hall.", now=NOON)
