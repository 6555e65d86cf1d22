"""Rotation policies."""

from datetime import timedelta
from typing import Any

import pytest

from security.apikeys import services as api_keys
from security.rotation import models
from security.rotation import services as rotation

pytestmark = pytest.mark.django_db
# Any: values that may be None elsewhere exist in these tests.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_policy_moves_the_keys_of_its_level(key):
    services.register("mail", "x")
    services.set_policy("high", interval_days=10, grace_minutes=5)
    moved, other = ManagedSecret.objects.get(key_id="db"), ManagedSecret.objects.get(key_id="mail")
    assert moved.due_at == moved.created_at + 10 * DAY
    assert other.due_at == other.created_at + 90 * DAY
    done = services.rotate("db")
    assert done.previous_valid_until == done.rotated_at + timedelta(minutes=5)


def test_a_policy_of_an_unknown_level_is_refused(db):
    with pytest.raises(services.InvalidArgument, match="must be one of critical"):
        services.set_policy("extreme", interval_days=1, grace_minutes=None)


def test_another_interval_in_the_settings_reschedules_keys_at_the_next_run(key, settings):
    settings.KEY_ROTATION_HIGH_DAYS = 7
    services.rotate_due()
    assert ManagedSecret.objects.get().interval_days == 7
