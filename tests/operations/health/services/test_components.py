"""Components that staff switch off."""

from datetime import timedelta

import pytest

from operations.health import services
from operations.health.models import Incident
from operations.health.state_machine import (
    UNKNOWN,
)
from tests.operations.health.conftest import BAD, NOON
from tests.operations.health.recording import fresh, note, open_alerts

pytestmark = pytest.mark.django_db


def test_switching_off_ends_the_incident_and_the_alert(shop):
    note(shop, BAD, BAD, BAD)
    services.switch_off(shop.pk, NOON + timedelta(hours=1))
    assert Incident.objects.get().ending == "removed"
    assert open_alerts() == []
    assert fresh(shop).state == UNKNOWN
