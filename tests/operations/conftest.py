"""An empty registry for each test, and automations that do what the test says."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from aethercrown.crypto import sealing
from operations.automations import registry, seeding
from operations.automations.models import Automation
from operations.automations.registry import RunOutcome
from operations.decisions import decision_types
from operations.messaging.models import Destination

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_registered():
    with registry.apart(), decision_types.apart():
        yield


@pytest.fixture
def contexts():
    """Every context on which a test's automation was performed."""
    return []


@pytest.fixture
def automation(db, contexts):
    """Make an automation, its schedule and its row: `automation("ads", every=...)`.

    Those that migrations made are gone, so that the test's own are the only ones.
    """
    Automation.objects.all().delete()

    def make(name="ads", *, perform=None, since=NOON, **schedule):
        def note(context):
            contexts.append(context)
            return RunOutcome(f"Looked at {name}.", detail={"seen": len(contexts)})

        registry.register(registry.AutomationSpec(name, name.title(), perform or note))
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
def hook(db, settings):
    """A webhook, its secret sealed."""
    return Destination.objects.create(
        name="Hook",
        channel="webhook",
        address="https://hooks.example.com/alerts",
        sealed_secret=sealing.seal("s3cret-of-the-hook", settings.ALERT_SEALING_KEY),
    )


@pytest.fixture
def schedules(db: None) -> None:
    """What migrations put into beat's tables; a test on real commits before has taken it away."""
    for migration in ("0002_sweep", "0003_alerts", "0004_health"):
        import_module(f"operations.migrations.{migration}").seed(apps, None)
