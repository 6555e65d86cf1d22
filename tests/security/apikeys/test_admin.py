import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from security.apikeys import services, token
from security.apikeys.models import ApiKey
from security.audit.models import Event
from tests.operations.people import staff

pytestmark = pytest.mark.django_db
ADD = "/admin/security/apikey/add/"
LIST = "/admin/security/apikey/"
ASKED = {"name": "shop", "scopes": ["revenue:read"], "expires_at_0": "", "expires_at_1": ""}


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def key():
    return services.create("shop", ["revenue:read"])


def keys_in(reply):
    return re.findall(token.PATTERN, reply.content.decode())


def acted(client, action, *keys):
    chosen = {"action": action, "_selected_action": [each.pk for each in keys]}
    return client.post(LIST, chosen)


def test_a_new_key_is_shown_once_and_stored_nowhere(admin_client, admin_user, caplog):
    reply = admin_client.post(ADD, ASKED)
    (plaintext,) = keys_in(reply)
    credential = services.verify_key(plaintext)
    assert credential is not None
    assert credential.scopes == {"revenue:read"}
    assert ApiKey.objects.get().created_by == admin_user
    assert "no-store" in reply["Cache-Control"]
    kept = [each.get_decoded() for each in Session.objects.all()]
    assert plaintext not in f"{kept} {admin_client.cookies} {caplog.text}"
    assert not keys_in(admin_client.get(LIST))
    shown = admin_client.get(
        reverse("admin:security_apikey_change", args=[ApiKey.objects.get().pk])
    )
    assert not keys_in(shown)
    assert ApiKey.objects.get().digest not in shown.content.decode()


def test_a_key_that_reads_stored_values_is_made_for_a_stated_reason(admin_client):
    asked = {**ASKED, "scopes": ["security:reveal"], "reason": " "}
    page = admin_client.post(ADD, asked)
    assert not keys_in(page)
    assert b"Say for what reason" in page.content
    assert keys_in(admin_client.post(ADD, {**asked, "reason": "the web servers"}))
    detail = Event.objects.get(event="apikey.created").detail
    assert json.loads(detail)["reason"] == "the web servers"
    person = ApiKey.objects.get().created_by
    with pytest.raises(services.ReasonRequired):
        services.create("quiet", ["security:reveal"], person)
    assert services.rotate(ApiKey.objects.get().pk, actor=person).key.scopes == ["security:reveal"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["root"]},
        {"expires_at_0": "2020-01-01", "expires_at_1": "00:00"},
        {"allowed_networks": "here"},
        {"burst": "0"},
        {"rate_per_second": "0"},
        {"rate_per_second": "-1"},
    ],
)
def test_a_wrong_field_makes_no_key_and_is_named(admin_client, wrong):
    reply = admin_client.post(ADD, ASKED | wrong)
    assert reply.status_code == 200
    assert not reply.context["adminform"].form.is_valid()
    assert not ApiKey.objects.exists()


def test_the_end_that_was_asked_for_is_kept(admin_client):
    admin_client.post(ADD, ASKED | {"expires_at_0": "2099-01-01", "expires_at_1": "12:00"})
    assert str(ApiKey.objects.get().expires_at) == "2099-01-01 12:00:00+00:00"


def test_the_limits_that_were_asked_for_are_kept(admin_client):
    limits = {"allowed_networks": "203.0.113.7, 198.51.100.0/24", "burst": "5"}
    admin_client.post(ADD, ASKED | limits | {"rate_per_second": "0.5"})
    key = ApiKey.objects.get()
    assert key.allowed_networks.splitlines() == ["203.0.113.7/32", "198.51.100.0/24"]
    assert (key.burst, key.rate_per_second) == (5, 0.5)


def test_the_empty_form_opens(admin_client):
    assert admin_client.get(ADD).status_code == 200


def test_a_rotated_key_works_on_and_its_successor_is_shown(admin_client, key):
    (new,) = keys_in(acted(admin_client, "rotate", key.key))
    assert services.verify_key(new)
    assert services.verify_key(key.plaintext)


def test_a_replaced_key_ends_at_once(admin_client, key):
    (new,) = keys_in(acted(admin_client, "replace", key.key))
    assert services.verify_key(new)
    assert services.verify_key(key.plaintext) is None


def test_a_dead_key_is_not_rotated_and_the_reason_is_given(admin_client, key):
    services.revoke(key.key.pk)
    reply = acted(admin_client, "rotate", key.key)
    assert reply.status_code == 302
    assert "only an active key" in admin_client.get(LIST).content.decode()


def test_a_key_is_revoked_only_once_it_is_confirmed(admin_client, key):
    other = services.create("till", ["revenue:read"])
    asked = acted(admin_client, "revoke", key.key, other.key)
    text = asked.content.decode()
    assert "Revoke 2 keys?" in text
    assert "never used" in text
    assert services.verify_key(key.plaintext) is not None
    sent = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', text)
    fields = {name: [value for each, value in sent if each == name] for name, _ in sent}
    assert sorted(map(int, fields["_selected_action"])) == sorted([key.key.pk, other.key.pk])
    admin_client.post(LIST, fields)
    assert services.verify_key(key.plaintext) is None
    assert services.verify_key(other.plaintext) is None


def test_a_key_is_rotated_and_revoked_on_its_own_page_after_a_confirmation(admin_client, key):
    rotate = reverse("admin:security_apikey_rotate_one", args=[key.key.pk])
    revoke = reverse("admin:security_apikey_revoke_one", args=[key.key.pk])
    page = admin_client.get(f"/admin/security/apikey/{key.key.pk}/change/").content.decode()
    assert rotate in page
    assert revoke in page
    assert "the old one works 7 days more" in admin_client.get(rotate).content.decode()
    issued = admin_client.post(rotate)
    assert len(keys_in(issued)) == 1
    assert b"data-copy=" in issued.content
    assert admin_client.post(rotate).status_code == 302  # rotated already
    assert "This cannot be undone" in admin_client.get(revoke).content.decode()
    assert services.verify_key(key.plaintext) is not None
    admin_client.post(revoke)
    assert services.verify_key(key.plaintext) is None


def test_who_may_only_see_keys_gets_no_buttons_on_one(client, key):
    staff(client, "security.view_apikey")
    for name in ("rotate_one", "revoke_one"):
        path = reverse(f"admin:security_apikey_{name}", args=[key.key.pk])
        assert client.post(path).status_code == 403
    assert services.verify_key(key.plaintext) is not None


def test_a_list_of_keys_in_every_state_opens(admin_client, key):
    now = timezone.now()
    services.create("till", ["all"], None, now + timedelta(days=1))
    services.rotate(key.key.pk)
    page = admin_client.get(LIST).content.decode()
    assert "retiring" in page
    assert ">all<" in page.replace(" ", "").replace("\n", "")


def test_a_key_is_never_deleted(admin_client, key):
    address = reverse("admin:security_apikey_delete", args=[key.key.pk])
    assert admin_client.post(address, {"post": "yes"}).status_code == 403


def test_an_officer_makes_keys_and_an_operator_does_not(client, django_user_model):
    user = django_user_model.objects.create_user("ada", is_staff=True)
    user.groups.set([Group.objects.get(name="operator")])
    client.force_login(user)
    assert client.post(ADD, ASKED).status_code == 403
    user.groups.set([Group.objects.get(name="security officer")])
    assert keys_in(client.post(ADD, ASKED))


def test_a_keys_own_page_has_nothing_to_save_and_says_where_it_is_rotated(admin_client, key):
    page = admin_client.get(f"/admin/security/apikey/{key.key.pk}/change/")
    assert b"choose it in the list of keys" in page.content
    assert b"/revoke" in page.content
    assert b'name="_save"' not in page.content
    assert admin_client.post(f"/admin/security/apikey/{key.key.pk}/change/", {}).status_code == 403


def test_an_officer_takes_over_the_key_of_somebody_who_left(
    admin_client, admin_user, key, django_user_model
):
    mia = django_user_model.objects.create_user("mia")
    ApiKey.objects.update(created_by=mia)
    answer = acted(admin_client, "take_over", key.key)
    assert answer.status_code == 302
    assert ApiKey.objects.get().created_by == admin_user
    services.revoke(key.key.pk)
    ApiKey.objects.update(created_by=mia)
    acted(admin_client, "take_over", key.key)
    assert ApiKey.objects.get().created_by == mia
