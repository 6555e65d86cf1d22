"""Empty registries for each test, and automations that do what the test says."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from operations.automations import seeding
from operations.automations.models import Automation
from operations.automations.registry import AutomationSpec, RunOutcome, automation_registry
from operations.decisions.decision_types import decision_type_registry
from operations.messaging import services as messaging
from operations.messaging.models import Destination
from tests.aethercrown.registries import isolated

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_registered():
    with isolated(automation_registry), isolated(decision_type_registry):
        yield


@pytest.fixture
def contexts():
    """The context of every run of a test's automations."""
    return []


@pytest.fixture
def automation(db, contexts):
    """Make an automation, its schedule and its row: `automation("ads", every=...)`.

    Those that migrations made are deleted first, in one statement: nothing refers to them yet.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM operations_automation")

    def make(name="ads", *, perform=None, since=NOON, **schedule):
        def note(context):
            contexts.append(context)
            return RunOutcome(f"Looked at {name}.", detail={"seen": len(contexts)})

        automation_registry.register(AutomationSpec(name, name.title(), perform or note))
        wanted = schedule or {"every": timedelta(hours=1)}
        seeding.seed(apps, name=name, title=name.title(), **wanted)
        Automation.objects.filter(name=name).update(scheduled_at=since)
        return Automation.objects.get(name=name)

    return make


@pytest.fixture
def listener(db):
    """An e-mail destination that hears of warnings and what is graver."""
    return Destination.objects.create(
        name="Ada", channel="email", address="ada@example.com", least_severity="warning"
    )


@pytest.fixture
def hook(db):
    """A webhook, its secret sealed."""
    destination = Destination(
        name="Hook", channel="webhook", address="https://hooks.example.com/alerts"
    )
    messaging.set_secret(destination, "s3cret-of-the-hook")
    destination.save()
    return destination


@pytest.fixture
def schedules(db: None) -> None:
    """The schedules that the migration seeds; a test on real commits may have deleted them."""
    import_module("operations.migrations._seed").seed_schedules(apps, None)
