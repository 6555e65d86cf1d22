"""Recording observations, and the alerts they raise."""

from datetime import timedelta

from operations.alerts.models import Alert
from operations.health.services import record
from operations.health.state_machine import UNHEALTHY, Observation
from tests.operations.health.conftest import NOON

HANGING = Observation(UNHEALTHY, error_kind="timeout", error="There was no whole answer in time.")


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def note(component, *seen, since=NOON, **options):
    """Record observations twenty seconds apart."""
    for place, each in enumerate(seen):
        at = since + place * timedelta(seconds=20)
        record.record_all({component.pk: each}, at, **options)
    return fresh(component)


def open_alerts():
    return list(Alert.objects.exclude(state="resolved").values_list("kind", "subject", "count"))
