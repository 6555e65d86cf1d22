"""The tasks do what their services do, at the real time."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from operations.alerts import services, tasks
from operations.alerts.models import Alert
from operations.messaging.models import Message

NAMES = {"send_messages", "send_alert_reminders", "send_digest", "purge_alerts", "purge_messages"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.usefixtures("schedules")
def test_each_stands_in_beats_tables_under_its_name(name):
    current_app.loader.import_default_modules()  # as a worker does when it starts
    assert f"operations.{name}" in current_app.tasks
    assert PeriodicTask.objects.get(name=f"operations.{name}").task == f"operations.{name}"


def test_tending_telling_and_forgetting(listener):
    listener.takes_digest = True
    listener.save()
    long_ago = timezone.now() - timedelta(days=400)
    services.raise_alert("x", "y", "z", "critical", "Bad.", now=long_ago)
    tasks.send_alert_reminders()
    tasks.send_digest()
    assert [each.title for each in Message.objects.order_by("pk")] == [
        "[critical] x: y, z",
        "[critical] x: y, z: still open",
        "[AetherCrown] 1 open alert",
    ]
    services.resolve("x", "y", "z", now=long_ago)
    tasks.purge_alerts()
    assert not Alert.objects.exists()
