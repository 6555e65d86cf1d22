from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils import timezone

from aethercrown.db import semaphore
from operations.alerts.models import Alert
from operations.health.admin import ComponentForm
from operations.health.models import CheckLock, Component, Incident
from operations.health.services import record, run_checks
from security.access import roles
from security.access.services import roles as access_roles
from tests.operations.health.conftest import BAD, GOOD, NOON
from tests.operations.people import messages_of, staff

ADD = "/admin/operations/component/add/"
LIST = "/admin/operations/component/"
MAY = ["operations.view_component", "operations.add_component", "operations.change_component",
       "operations.delete_component"]  # fmt: skip
ADDED = {
    "name": "shop",
    "kind": "http",
    "target": "https://shop.example.com/health",
    "method": "GET",
    "status_from": 200,
    "status_to": 399,
    "text": "",
    "slow_ms": 1000,
    "networks": "",
    "is_required": "on",
    "is_enabled": "on",
}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


def page(component):
    return reverse("admin:operations_component_change", args=[component.pk])


def errors_of(reply):
    return str(reply.context["adminform"].form.errors)


def test_staff_add_a_target(client):
    reply = staff(client, *MAY).post(ADD, ADDED)
    assert reply.status_code == 302
    assert Component.objects.get().state == "unknown"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "https://user:secret@shop.example.com/"}, "user name or password"),
        ({"target": "file:///etc/passwd"}, "only http or https"),
        ({"target": "http://169.254.169.254/latest/meta-data/"}, "not a public address"),
        ({"target": "http://127.0.0.1:8000/"}, "not a public address"),
        ({"target": "http://2130706433/"}, "no plain address"),
        ({"kind": "tcp", "target": "10.0.0.1:5432"}, "not a public address"),
        ({"kind": "builtin"}, "Select a valid choice"),
        ({"status_to": 199}, "must be 200 or more"),
    ],
)
def test_what_may_not_be_called_is_refused_with_the_reason(client, change, words):
    reply = staff(client, *MAY).post(ADD, ADDED | change)
    assert reply.status_code == 200
    assert words in errors_of(reply)
    assert not Component.objects.exists()


def test_only_those_who_may_allow_private_networks(client):
    added = ADDED | {"target": "http://10.1.2.3:5000/", "networks": "10.1.0.0/16"}
    reply = staff(client, *MAY).post(ADD, added)
    assert "not a public address" in errors_of(reply) or "port" in errors_of(reply)
    client.logout()
    other = staff_named(client, "olga", *MAY, "operations.allow_networks")
    assert other.post(ADD, added).status_code == 302
    refused = ADDED | {"name": "b", "networks": "169.254.0.0/16"}
    assert "cannot be allowed" in errors_of(other.post(ADD, refused))


def staff_named(client, name, *permissions):
    person = get_user_model().objects.create_user(name, is_staff=True)
    for each in permissions:
        app, _, codename = each.partition(".")
        person.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    client.force_login(person)
    return client


def in_role(client, role):
    """Sign in someone with a role and nothing else, as the roles are granted after a migration."""
    access_roles.sync_role_permissions("operations")
    person = get_user_model().objects.create_user(role.replace(" ", "-"), is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person)
    return client


@pytest.mark.parametrize("role", roles.ROLES)
def test_private_networks_are_allowed_by_officers_and_administrators_alone(client, role):
    added = ADDED | {"target": "http://10.1.2.3:5000/", "networks": "10.1.0.0/16"}
    reply = in_role(client, role).post(ADD, added)
    may = role in {roles.OFFICER, roles.ADMINISTRATOR}
    assert Component.objects.filter(networks="10.1.0.0/16").exists() is may
    assert reply.status_code == {True: 302, False: 200 if role == roles.OPERATOR else 403}[may]


def test_an_operator_does_not_change_the_target_of_a_component_with_networks(client, shop):
    allowed = {"target": "http://10.1.2.3:5000/", "networks": "10.1.0.0/16"}
    Component.objects.filter(pk=shop.pk).update(**allowed)
    sent = ADDED | {"target": "http://10.1.9.9:22/", "slow_ms": 300}
    assert in_role(client, roles.OPERATOR).post(page(shop), sent).status_code == 302
    shop.refresh_from_db()
    assert (shop.target, shop.networks, shop.slow_ms) == (*allowed.values(), 300)


def test_a_component_is_not_its_own_parent(client, shop):
    reply = staff(client, *MAY).post(page(shop), ADDED | {"parent": shop.pk})
    assert "The parents form a ring" in errors_of(reply)


def test_saving_keeps_the_recorded_state_and_disabling_ends_the_incident(client, shop):
    for place in range(3):
        record.record_all({shop.pk: BAD}, NOON + place * timedelta(seconds=20))
    eve = staff(client, *MAY)
    assert eve.post(page(shop), ADDED | {"slow_ms": 500}).status_code == 302
    shop.refresh_from_db()
    assert (shop.state, shop.slow_ms) == ("down", 500)
    off = {**ADDED, "slow_ms": 500}
    del off["is_enabled"]
    assert eve.post(page(shop), off).status_code == 302
    assert Incident.objects.get().ending == "removed"
    assert Alert.objects.get().state == "resolved"


@pytest.mark.parametrize("many", [False, True])
def test_deleting_ends_the_alert_and_names_those_whose_parent_it_was(admin_client, shop, many):
    child = Component.objects.create(name="till", target="https://t.example.com/", parent=shop)
    for place in range(3):
        record.record_all({shop.pk: BAD}, NOON + place * timedelta(seconds=20))
    if many:
        chosen = {"action": "delete_selected", "_selected_action": [shop.pk], "post": "yes"}
        reply = admin_client.post(LIST, chosen, follow=True)
    else:
        delete = reverse("admin:operations_component_delete", args=[shop.pk])
        reply = admin_client.post(delete, {"post": "yes"}, follow=True)
    assert "Without shop, these have no parent: till." in messages_of(reply)
    assert list(Component.objects.values_list("name", "parent")) == [("till", None)]
    assert child.history.first().parent_id is None
    assert Alert.objects.get().state == "resolved"


def test_a_part_of_the_platform_keeps_its_name_and_cannot_be_deleted(client, clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    part = Component.objects.get(name="database")
    eve = staff(client, *MAY)
    text = eve.get(page(part)).content.decode()
    assert 'name="target"' not in text
    assert eve.get(reverse("admin:operations_component_delete", args=[part.pk])).status_code == 403
    sent = {"slow_ms": 200, "is_required": "on", "is_enabled": "on"}
    assert eve.post(page(part), sent).status_code == 302
    part.refresh_from_db()
    assert (part.slow_ms, part.kind) == (200, "builtin")


def test_lists_mask_queries_and_history_only_shows(client, shop):
    Component.objects.filter(pk=shop.pk).update(target="https://shop.example.com/?token=abc")
    record.record_all({shop.pk: GOOD}, NOON)
    eve = staff(client, *MAY, "operations.view_check", "operations.view_incident")
    listed = eve.get(LIST).content
    assert b"token=abc" not in listed
    assert b"5 ms" in listed
    for name in ("check", "incident"):
        assert eve.get(reverse(f"admin:operations_{name}_changelist")).status_code == 200
        assert eve.get(reverse(f"admin:operations_{name}_add")).status_code == 403


def test_maintenance_can_be_ended(client, shop):
    Component.objects.filter(pk=shop.pk).update(
        maintenance_until=timezone.now() + timedelta(hours=1)
    )
    chosen = {"action": "end_maintenance", "_selected_action": [shop.pk]}
    reply = staff(client, *MAY).post(LIST, chosen, follow=True)
    assert messages_of(reply) == ["Ended the maintenance of 1 component."]
    shop.refresh_from_db()
    assert shop.maintenance_until is None


def test_rows_have_readable_names(shop, clock, runner):
    run_checks.run_round(clock=clock, runner=runner)
    for place in range(3):
        record.record_all({shop.pk: BAD}, NOON + place * timedelta(seconds=20))
    check = shop.checks.first()
    assert str(check) == "shop at 20 Nov 2026, 12:00:40 UTC: unhealthy"
    assert str(Incident.objects.get()) == "shop down from 20 Nov 2026, 12:00 UTC"
    assert str(CheckLock.objects.get(name="round")) == "round"


def test_an_operator_checks_a_component_now(client, shop):
    staff(client, "operations.view_component", "security.operate")
    page = reverse("admin:operations_component_change", args=[shop.pk])
    assert "Check now" in client.get(page).content.decode()
    address = reverse("admin:operations_component_check_now", args=[shop.pk])
    assert "Check “shop” now?" in client.get(address).content.decode()
    Component.objects.update(target="https://10.0.0.1/")
    said = messages_of(client.post(address, follow=True))
    assert said == ["shop is unhealthy. The target leads to an address that may not be called."]
    said = messages_of(client.post(address, follow=True))
    assert said == ["shop was checked just now: unhealthy."]
    Component.objects.update(checked_at=None)
    with (
        semaphore.slots({run_checks.CHECK_NOW: 1}, 60),
        semaphore.slots({run_checks.CHECK_NOW: 2}, 60),
    ):
        said = messages_of(client.post(address, follow=True))
    assert said == ["Other checks are under way; try again in some seconds."]


def test_nobody_else_does(client, shop):
    staff(client, "operations.view_component")
    address = reverse("admin:operations_component_check_now", args=[shop.pk])
    assert client.post(address).status_code == 403
    assert Component.objects.get().checked_at is None


@pytest.mark.parametrize(("seconds", "is_valid"), [(29, False), (30, True), (86_401, False)])
def test_an_interval_is_from_half_a_minute_to_a_day(seconds, is_valid):
    form = ComponentForm({**ADDED, "check_every_seconds": seconds})
    assert ("check_every_seconds" not in form.errors) == is_valid
