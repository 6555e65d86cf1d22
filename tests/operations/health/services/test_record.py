"""From observations to confirmed states, incidents and alerts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from operations.alerts.models import Alert
from operations.health.models import Check, Component, Incident
from operations.health.services import components, record
from operations.health.state_machine import (
    DEGRADED,
    DOWN,
    HEALTHY,
    UNHEALTHY,
    UNKNOWN,
    UP,
    Observation,
)
from tests.operations.health.conftest import BAD, GOOD, NOON
from tests.operations.health.recording import note, open_alerts

pytestmark = pytest.mark.django_db


def test_three_failures_open_one_incident_and_one_alert(shop):
    found = note(shop, GOOD, BAD, BAD)
    assert (found.state, found.contrary_count, open_alerts()) == (UP, 2, [])
    found = note(shop, BAD, BAD, since=NOON + timedelta(seconds=60))
    incident = Incident.objects.get()
    assert found.state == DOWN
    assert incident.started_at == NOON + timedelta(seconds=20)
    assert incident.confirmed_at == NOON + timedelta(seconds=60)
    assert (incident.error_kind, incident.error) == ("refused", BAD.error)
    assert [each[:2] for each in open_alerts()] == [("down", "shop")]


def test_after_a_gap_failures_count_anew_and_the_gap_is_no_outage(shop):
    note(shop, GOOD, BAD)
    later = NOON + timedelta(days=3)  # in which the platform was off
    assert note(shop, BAD, BAD, since=later).state == "up"
    assert note(shop, BAD, since=later + timedelta(seconds=40)).incidents.get().started_at == later


def test_two_successes_end_it_from_the_first_on(shop):
    note(shop, BAD, BAD, BAD)
    found = note(shop, GOOD, GOOD, since=NOON + timedelta(minutes=30))
    incident = Incident.objects.get()
    assert (found.state, found.state_since) == (UP, NOON + timedelta(minutes=30))
    assert (incident.ended_at, incident.ending) == (NOON + timedelta(minutes=30), "recovered")
    assert open_alerts() == []


def test_down_again_within_ten_minutes_is_the_same_incident(shop):
    note(shop, BAD, BAD, BAD, GOOD, GOOD, BAD, BAD, BAD)
    assert Incident.objects.get().ended_at is None
    assert Alert.objects.count() == 1


def test_down_again_later_is_another(shop):
    note(shop, BAD, BAD, BAD, GOOD, GOOD)
    note(shop, BAD, BAD, BAD, since=NOON + timedelta(hours=1))
    assert Incident.objects.count() == 2


def test_an_unknown_observation_is_stored_and_changes_nothing(shop):
    found = note(shop, GOOD, BAD, BAD, Observation(UNKNOWN, error_kind="stalled"))
    assert (found.state, found.contrary_count, found.status) == (UP, 2, UNKNOWN)
    assert Check.objects.filter(status=UNKNOWN).count() == 1


def test_in_maintenance_failures_are_recorded_and_nothing_else(shop):
    Component.objects.filter(pk=shop.pk).update(maintenance_until=NOON + timedelta(hours=1))
    found = note(shop, GOOD, *[BAD] * 5)
    assert (found.state, open_alerts()) == (UP, [])
    assert Check.objects.filter(status="maintenance").count() == 5
    found = note(shop, *[BAD] * 3, since=NOON + timedelta(hours=2))
    assert found.state == DOWN


def test_maintenance_that_repeats_holds_in_each_of_its_windows(shop):
    Component.objects.filter(pk=shop.pk).update(
        maintenance_times="at 13:00 on Friday",
        maintenance_zone="Europe/Berlin",
        maintenance_minutes=30,
    )
    found = note(shop, GOOD, *[BAD] * 5)  # Friday the 20th, 12:00 in UTC
    assert (found.state, open_alerts()) == (UP, [])
    assert found.next_maintenance(NOON) == NOON + timedelta(days=7)
    week = NOON + timedelta(days=7)
    assert found.maintained_until(week) == week + timedelta(minutes=30)
    assert found.maintained_until(week - timedelta(seconds=1)) is None
    later = note(shop, *[BAD] * 3, since=NOON + timedelta(minutes=31))
    assert later.state == DOWN


def test_the_certificate_that_it_showed_last_is_kept_while_it_does_not_answer(shop):
    lifetime = (NOON - timedelta(days=30), NOON + timedelta(days=60))
    shown = replace(GOOD, certificate=lifetime)
    for seen, kept in ((shown, lifetime), (BAD, lifetime), (GOOD, (None, None))):
        found = note(shop, seen)
        assert (found.certificate_starts_at, found.certificate_ends_at) == kept


def test_slow_answers_degrade_it_until_they_are_quick_again(shop):
    slow = Observation(HEALTHY, response_ms=1500.0)
    found = note(shop, slow)
    assert (found.status, found.is_slow) == (DEGRADED, True)
    assert found.error == "The 95th percentile is over 1000 ms."
    found = note(shop, *[GOOD] * 25)
    assert (found.status, found.error) == (HEALTHY, "")


def test_a_part_whose_parent_is_down_adds_no_alert_until_the_parent_is_back(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD, BAD, BAD)
    assert note(shop, BAD, BAD, BAD).state == DOWN
    assert [each[1] for each in open_alerts()] == ["network"]
    back = NOON + timedelta(hours=1)
    note(parent, GOOD, GOOD, since=back)
    note(shop, BAD, since=back + timedelta(seconds=179))
    assert open_alerts() == []
    note(shop, GOOD, since=back + timedelta(seconds=180))
    assert open_alerts() == []
    note(shop, BAD, since=back + timedelta(seconds=200))
    assert [each[1] for each in open_alerts()] == ["shop"]


def test_in_a_ring_that_two_people_closed_at_once_each_one_down_is_told(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=shop)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD, BAD, BAD)
    note(shop, BAD, BAD, BAD)
    assert sorted(each[1] for each in open_alerts()) == ["network", "shop"]


def test_a_child_that_recovers_just_after_its_parent_raises_no_alert(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD, BAD, BAD)
    note(shop, BAD, BAD, BAD)
    note(parent, GOOD, GOOD, since=NOON + timedelta(minutes=5))
    found = note(shop, BAD, GOOD, GOOD, since=NOON + timedelta(minutes=6))
    assert found.state == UP
    assert list(Alert.objects.values_list("subject", "state")) == [("network", "resolved")]


def test_a_child_that_fails_before_its_parent_is_confirmed_raises_no_alert(shop):
    parent = Component.objects.create(name="network", target="https://n.example/", parent=None)
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, GOOD, BAD)
    note(shop, BAD, BAD, BAD)
    assert open_alerts() == []


def test_a_child_that_fails_while_its_parent_is_maintained_raises_no_alert(shop):
    parent = Component.objects.create(
        name="network", target="https://n.example/", maintenance_until=NOON + timedelta(hours=1)
    )
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD)
    note(shop, BAD, BAD, BAD)
    assert open_alerts() == []


def test_what_goes_down_together_with_all_above_it_raises_one_alert(shop):
    server = Component.objects.create(name="server", target="https://s.example/")
    network = Component.objects.create(name="network", target="https://n.example/")
    Component.objects.filter(pk=shop.pk).update(parent=server)
    Component.objects.filter(pk=server.pk).update(parent=network)
    for minute in range(3):
        at = NOON + minute * timedelta(minutes=1)
        record.record_all(dict.fromkeys((shop.pk, server.pk, network.pk), BAD), at, batch_rows=1)
    assert Incident.objects.count() == 3
    assert [each[1] for each in open_alerts()] == ["network"]


def test_the_end_of_a_certificate_is_told_before_it_comes_and_ends_with_a_new_one(shop):
    def shown(days):
        return replace(GOOD, certificate=(NOON - timedelta(days=90), NOON + timedelta(days=days)))

    note(shop, shown(60))
    assert open_alerts() == []
    note(shop, shown(14))
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity) == ("certificate", "warning")
    assert alert.message == "shop: The certificate expires on 4 Dec 2026, in 14 days."
    note(shop, BAD, shown(3))
    assert Alert.objects.get().severity == "high"
    note(shop, shown(90))
    assert open_alerts() == []
    Component.objects.filter(pk=shop.pk).update(certificate_degraded_days=100)
    note(shop, shown(90))
    note(shop, GOOD)  # by http
    assert open_alerts() == []
    note(shop, shown(90))
    components.switch_off(shop.pk, NOON)
    assert open_alerts() == []


def test_a_certificate_that_ends_during_maintenance_is_told_afterwards(shop):
    Component.objects.filter(pk=shop.pk).update(maintenance_until=NOON + timedelta(hours=1))
    shown = replace(GOOD, certificate=(NOON - timedelta(days=90), NOON + timedelta(days=5)))
    note(shop, shown)
    assert open_alerts() == []
    note(shop, shown, since=NOON + timedelta(hours=1))
    assert open_alerts() == [("certificate", "shop", 1)]


def test_a_child_whose_parent_is_deleted_while_both_are_down_raises_its_alert(shop):
    parent = Component.objects.create(name="router", target="https://r.example.com/")
    Component.objects.filter(pk=shop.pk).update(parent=parent)
    note(parent, BAD, BAD, BAD)
    note(shop, BAD, BAD, BAD)
    assert [each[1] for each in open_alerts()] == ["router"]
    components.switch_off(parent.pk, NOON + timedelta(minutes=2))
    parent.delete()
    found = note(shop, BAD, since=NOON + timedelta(minutes=3))
    assert (found.parent, [each[1] for each in open_alerts()]) == (None, ["shop"])


def test_while_it_flaps_the_alert_stays_open(shop):
    for place in range(6):
        note(shop, BAD, BAD, BAD, GOOD, GOOD, since=NOON + place * timedelta(minutes=2))
    restless = [BAD, GOOD] * 9
    note(shop, BAD, BAD, BAD, *restless, since=NOON + timedelta(minutes=14))
    found = note(shop, GOOD, GOOD, since=NOON + timedelta(minutes=21))
    assert found.is_flapping
    assert found.state == UP
    assert len(open_alerts()) == 1
    note(shop, *[GOOD] * 21, since=NOON + timedelta(minutes=30))
    assert open_alerts() == []
    assert Alert.objects.count() == 1


def test_the_alert_of_an_optional_component_is_less_severe(shop):
    Component.objects.filter(pk=shop.pk).update(is_required=False)
    note(shop, Observation(UNHEALTHY), Observation(UNHEALTHY), Observation(UNHEALTHY))
    assert Alert.objects.get().severity == "high"
    assert Incident.objects.get().error_kind == ""


def test_a_deleted_or_disabled_component_is_not_recorded(shop):
    Component.objects.filter(pk=shop.pk).update(is_enabled=False)
    record.record_all({shop.pk: BAD}, NOON)
    assert Check.objects.count() == 0


def test_a_change_by_staff_meanwhile_is_kept(shop):
    Component.objects.filter(pk=shop.pk).update(slow_ms=77)
    assert note(shop, GOOD).slow_ms == 77


@pytest.mark.django_db(transaction=True)
def test_observations_recorded_at_once_open_one_incident(shop, at_once):
    note(shop, BAD, BAD)
    at_once(lambda: record.record_all({shop.pk: BAD}, NOON + timedelta(minutes=1)), 4)
    assert Incident.objects.count() == 1
    assert [each[:2] for each in open_alerts()] == [("down", "shop")]
