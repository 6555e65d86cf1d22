"""Someone who listens, and nobody who is called from outside the test."""

import pytest

from operations.outbox import sealed
from operations.outbox.models import Destination


@pytest.fixture
def listener(db, settings):
    """An e-mail destination from severity warning up."""
    return Destination.objects.create(
        name="Ada", channel="email", address="ada@example.com", least_severity="warning"
    )


@pytest.fixture
def hook(db, settings):
    """A webhook, with its secret sealed."""
    return Destination.objects.create(
        name="Hook",
        channel="webhook",
        address="https://hooks.example.com/alerts",
        sealed_secret=sealed.seal("s3cret-of-the-hook", settings.ALERT_SEALING_KEY),
    )
