"""What shows or ends a secret asks who it is, where the last sign-in is more than minutes old."""

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.urls import reverse

from security.apikeys import services as keys
from security.apikeys.models import ApiKey
from security.rotation import services as managed
from security.rotation.models import SecretVersion

pytestmark = pytest.mark.django_db
NINE = "2026-11-22T09:00:00Z"
PHRASE = "a long enough phrase"
LIST = "/admin/security/apikey/"


@pytest.fixture
def clock():
    with time_machine.travel(NINE, tick=False) as clock:
        yield clock


@pytest.fixture
def officer(clock, client, settings, django_user_model):
    settings.SECURE_SSL_REDIRECT = False
    user = django_user_model.objects.create_user("olga", password=PHRASE, is_staff=True)
    user.groups.add(Group.objects.get(name="security officer"))
    client.force_login(user)
    return user


def act(client, name, row):
    return client.post(LIST, {"action": name, "_selected_action": [row.pk], "confirmed": "yes"})


@pytest.mark.parametrize("name", ["revoke", "rotate", "replace"])
def test_an_api_key_is_ended_only_by_a_fresh_sign_in(client, officer, clock, name):
    row = keys.create("a shop", ["revenue:read"]).key
    clock.shift(6 * 60)
    answer = act(client, name, row)
    assert answer.headers["Location"].startswith("/account/reauthenticate?next=%2Fadmin")
    assert ApiKey.objects.get().revoked_at is None
    assert ApiKey.objects.count() == 1

    client.post("/account/reauthenticate", {"password": PHRASE, "next": LIST})
    act(client, name, row)
    row.refresh_from_db()
    assert row.revoked_at or row.replaced_by_id


def test_the_way_back_leads_to_where_one_was(client, officer, clock):
    clock.shift(6 * 60)
    asked = client.get(f"{LIST}add/")
    there = "%2Fadmin%2Fsecurity%2Fapikey%2Fadd%2F"
    assert asked.headers["Location"] == f"/account/reauthenticate?next={there}"
    wrong = client.post("/account/reauthenticate", {"password": "wrong", "next": f"{LIST}add/"})
    assert wrong.status_code == 200
    right = client.post("/account/reauthenticate", {"password": PHRASE, "next": f"{LIST}add/"})
    assert right.headers["Location"] == f"{LIST}add/"
    assert client.get(f"{LIST}add/").status_code == 200


def test_a_managed_key_is_registered_and_rotated_only_by_a_fresh_sign_in(client, officer, clock):
    made = managed.register("a-key", "secret", actor="olga")
    rotating = reverse("admin:security_managedsecret_rotate_now", args=[made.key.pk])
    assert client.get(rotating).status_code == 200
    clock.shift(6 * 60)
    for path in (reverse("admin:security_managedsecret_add"), rotating):
        answer = client.post(path, {})
        assert answer.headers["Location"].startswith("/account/reauthenticate?next=")
    assert SecretVersion.objects.count() == 1
