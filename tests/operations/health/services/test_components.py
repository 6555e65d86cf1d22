"""Components that staff switch off."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from operations.alerts.models import Alert
from operations.health import services
from operations.health.models import Component, Incident
from operations.health.state_machine import (
    UNKNOWN,
)
from tests.operations.health.conftest import BAD, GOOD, NOON
from tests.operations.health.recording import fresh, note, open_alerts

pytestmark = pytest.mark.django_db


def test_switching_off_ends_the_incident_and_the_alert(shop):
    note(shop, BAD, BAD, BAD)
    services.switch_off(shop.pk, NOON + timedelta(hours=1))
    assert Incident.objects.get().ending == "removed"
    assert open_alerts() == []
    assert fresh(shop).state == UNKNOWN


def test_a_component_renamed_while_it_is_down_ends_its_alert(shop):
    note(shop, GOOD, BAD, BAD, BAD)
    Component.objects.filter(pk=shop.pk).update(name="store")
    note(shop, GOOD, GOOD, since=NOON + timedelta(minutes=5))
    assert Alert.objects.get().state == "resolved"


def test_parents_in_a_ring_are_refused_and_named(shop):
    second = Component.objects.create(name="second", target="https://b.example/", parent=shop)
    third = Component.objects.create(name="third", target="https://c.example/", parent=second)
    shop.parent = third
    with pytest.raises(ValidationError, match="ring: shop -> third -> second -> shop"):
        shop.full_clean()
    shop.parent = shop
    with pytest.raises(ValidationError, match="ring: shop -> shop"):
        shop.full_clean()
    second.full_clean()
    Component.objects.filter(pk=shop.pk).update(parent=third)  # a ring from before
    Component(name="fourth", target="https://d.example/", parent=second).full_clean()


def test_text_of_a_head_request_and_limits_the_wrong_way_round_are_refused(shop):
    shop.method, shop.text = "HEAD", "is well"
    shop.certificate_degraded_days, shop.certificate_unhealthy_days = 5, 10
    with pytest.raises(ValidationError) as refused:
        shop.full_clean()
    assert set(refused.value.message_dict) == {"text", "certificate_degraded_days"}
