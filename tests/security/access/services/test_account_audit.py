"""Each takeover is an event of the audit: password, flags, roles and second factor."""

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.urls import reverse

from aethercrown.history.attribution import acting
from aethercrown.history.tracking import silent
from security.access.models import User
from security.audit.models import Event
from tests.security.access import factors

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"
NEW = "another long phrase"


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def eve():
    return User.objects.create_user("eve", password=PHRASE)


@pytest.fixture
def boss(client):
    user = User.objects.create_user("boss", password=PHRASE, is_staff=True)
    user.groups.add(Group.objects.get(name="administrator"))
    client.force_login(user)
    return user


def events(person, *names):
    rows = Event.objects.filter(stream="access", subject=f"user {person.pk}").order_by("seq")
    told = [(each.event, each.actor, json.loads(each.detail)) for each in rows]
    return [each for each in told if each[0] in names] if names else told


def test_a_password_reset_by_another_names_both(client, boss, eve):
    client.post(
        reverse("admin:auth_user_password_change", args=[eve.pk]),
        {"usable_password": "true", "password1": NEW, "password2": NEW},
    )
    eve.refresh_from_db()
    assert eve.check_password(NEW)
    assert events(eve, "password changed") == [("password changed", "user:boss", {})]


def test_ones_own_new_password_is_recorded_too(client, eve):
    client.force_login(eve)
    given = {"old_password": PHRASE, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/account/password", given).status_code == 302
    assert events(eve, "password changed") == [("password changed", "user:eve", {})]


def test_and_one_set_by_a_command(eve, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: NEW)
    with acting("command:changepassword"):
        call_command("changepassword", "eve", stdout=StringIO(), stderr=StringIO())
    assert events(eve, "password changed") == [("password changed", "command:changepassword", {})]


def test_a_newer_hash_of_the_same_password_is_no_event(client, eve, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    client.post("/login", {"username": "eve", "password": PHRASE})
    eve.refresh_from_db()
    assert eve.password.startswith("pbkdf2")
    assert events(eve, "password changed") == []


def test_flags_and_names_that_change_are_named_with_both_values(eve):
    eve.is_superuser, eve.username = True, "eva"
    eve.save()
    [(event, _actor, detail)] = events(eve, "account changed")
    assert event == "account changed"
    assert detail == {"is_superuser": "False to True", "username": "eve to eva"}
    eve.save()
    eve.last_login = None
    eve.save(update_fields=["last_login"])
    assert len(events(eve, "account changed")) == 1


def test_accounts_come_and_go_with_an_event(boss):
    with acting("user:boss"):
        other = User.objects.create_user("other")
        key = other.pk
        other.delete()
    other.pk = key
    assert [(event, actor) for event, actor, _ in events(other)] == [
        ("account created", "user:boss"),
        ("account deleted", "user:boss"),
    ]


def test_roles_given_in_the_admin_are_recorded(client, boss, eve):
    viewer = Group.objects.get(name="viewer")
    posted = {"username": "eve", "is_active": "on", "groups": [viewer.pk]}
    posted |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    client.post(reverse("admin:security_user_change", args=[eve.pk]), posted)
    assert events(eve, "roles granted") == [("roles granted", "user:boss", {"roles": "viewer"})]


def test_and_from_either_side_and_by_clearing(eve):
    viewer = Group.objects.get(name="viewer")
    viewer.user_set.add(eve)
    eve.groups.clear()
    eve.user_permissions.add(Permission.objects.get(codename="operate"))
    told = [(event, detail["roles"]) for event, _, detail in events(eve) if "roles" in detail]
    assert told[0] == ("roles granted", "viewer")
    assert told[1] == ("roles withdrawn", "viewer")
    assert told[2][1].endswith("Can enter and change data, and start automations")
    eve.groups.clear()  # nothing left
    assert len(events(eve)) == 4


def test_what_a_group_may_do_is_recorded_unless_the_code_lists_it():
    group = Group.objects.create(name="night shift")
    group.permissions.add(Permission.objects.get(codename="operate"))
    [row] = Event.objects.filter(subject=f"group {group.pk}")
    assert row.event == "permissions of a group granted"
    with silent():
        group.permissions.clear()
        group.permissions.add(Permission.objects.get(codename="operate"))
    assert Event.objects.filter(subject=f"group {group.pk}").count() == 1


def test_a_factor_that_an_administrator_deletes_is_recorded(client, boss, eve):
    factors.with_app(eve)
    row = Authenticator.objects.get(user=eve, type="totp")
    client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
    told = [
        ("second factor removed", "user:boss", {"kind": kind})
        for kind in ("totp", "recovery_codes")
    ]
    assert sorted(map(str, events(eve, "second factor removed"))) == sorted(map(str, told))


def test_an_unknown_old_password_is_limited_and_recorded(client, eve, own_buckets):
    client.force_login(eve)
    given = {"new_password1": NEW, "new_password2": NEW}
    for _ in range(5):
        client.post("/account/password", {**given, "old_password": "wrong"})
    assert len(events(eve, "sign-in refused")) == 5
    right = client.post("/account/password", {**given, "old_password": PHRASE})
    assert right.status_code != 302
    eve.refresh_from_db()
    assert eve.check_password(PHRASE)


def test_the_admins_own_form_for_it_leads_to_ours(client, boss):
    answer = client.get("/admin/password_change/")
    assert answer.headers["Location"] == "/account/password"


def test_a_group_that_is_deleted_is_withdrawn_from_each_member(eve):
    group = Group.objects.create(name="auditors")
    eve.groups.add(group)
    with acting("user:boss"):
        Group.objects.filter(pk=group.pk).delete()
    withdrawn = ("roles withdrawn", "user:boss", {"roles": "auditors"})
    assert events(eve, "roles withdrawn") == [withdrawn]
