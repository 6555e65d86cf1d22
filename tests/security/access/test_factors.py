"""The second factor: asked for where there is one, demanded of superusers."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from aethercrown.crypto import keyring
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.http import sessions
from security.access.services.second_factor import SecondFactorAdapter, remove_factor
from security.access.services.sessions import AccountAdapter
from security.apikeys import services as keys
from security.audit.models import Event
from tests.callers import Caller
from tests.security.access import factors

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"
ENROLMENT = "/account/2fa/"


@pytest.fixture(autouse=True)
def demanded(settings):
    settings.SECOND_FACTOR_REQUIRED = True
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create_superuser("ada", password=PHRASE)


def sign_in(client, **more):
    return client.post("/login", {"username": "ada", "password": PHRASE, **more})


@pytest.mark.parametrize(
    "path", ["/", "/admin/", "/admin/security/user/", "/dashboards/budget", "/metrics"]
)
def test_a_superuser_without_a_factor_sees_only_where_one_is_set_up(client, ada, path):
    client.force_login(ada)
    assert client.get(path).headers["Location"] == ENROLMENT
    assert client.post(path).headers["Location"] == ENROLMENT
    assert b"Authenticator app" in client.get(ENROLMENT).content


def test_nor_does_the_session_count_for_the_api(client, ada):
    client.force_login(ada)
    answer = client.get("/api/v1/optimization/budget/plans")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "second_factor_required"
    basic = client.get("/api/v1/optimization/budget/plans", headers={"Authorization": "Basic eA=="})
    assert basic.status_code == 403


def test_a_key_counts_beside_such_a_session(client, ada):
    client.force_login(ada)
    key = keys.create("a test", ["all"]).plaintext
    for header in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert client.get("/api/v1/optimization/budget/plans", headers=header).status_code == 200


@pytest.mark.parametrize("header", [{"X-API-Key": "x"}, {"Authorization": "Bearer x"}])
def test_no_header_gets_a_page_past_the_factor(client, ada, header):
    client.force_login(ada)
    for path in ("/", "/admin/", "/admin/security/user/", "/metrics"):
        assert client.get(path, headers=header).headers["Location"] == ENROLMENT


def test_a_session_from_before_the_factor_shows_it_first(client, ada):
    client.force_login(ada)
    factors.with_app(ada)
    asked = client.get("/admin/security/user/")
    again = f"{ENROLMENT}reauthenticate/"
    assert asked.headers["Location"] == f"{again}?next=%2Fadmin%2Fsecurity%2Fuser%2F"
    for path in ("/account/password", "/account/sign-out-elsewhere", ENROLMENT):
        assert client.post(path).headers["Location"].startswith(again)
    call = client.get("/api/v1/optimization/budget/plans")
    assert call.json()["errors"][0]["code"] == "second_factor_required"

    shown = {"code": factors.code(), "next": "/admin/security/user/"}
    assert client.post(again, shown).headers["Location"] == "/admin/security/user/"
    assert client.get("/admin/security/user/").status_code == 200
    assert client.get("/api/v1/optimization/budget/plans").status_code == 200


def test_a_password_entered_again_is_no_second_factor(client, ada):
    client.force_login(ada)
    factors.with_app(ada)
    client.post("/account/reauthenticate", {"password": PHRASE})
    assert client.get("/admin/").headers["Location"].startswith(f"{ENROLMENT}reauthenticate/")


def test_the_factor_of_one_person_does_not_count_for_another(client, ada, django_user_model):
    eve = django_user_model.objects.create_superuser("eve", password=PHRASE)
    factors.with_app(eve)
    client.force_login(eve)
    session = client.session
    sessions.mark_second_factor(session, ada.pk)
    session.save()
    assert client.get("/admin/").headers["Location"].startswith(f"{ENROLMENT}reauthenticate/")


@pytest.mark.parametrize(
    ("role", "needed"),
    [
        *(("viewer", False), ("operator", False)),
        *(("approver", True), ("security officer", True), ("administrator", True)),
    ],
)
def test_it_is_demanded_of_every_role_that_approves_rotates_or_grants(
    client, django_user_model, role, needed
):
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    eve.groups.add(Group.objects.get(name=role))
    client.force_login(eve)
    page = client.get("/dashboards/budget")
    assert page.headers.get("Location") == (ENROLMENT if needed else None)


@pytest.mark.parametrize("codename", ["add_keychannel", "change_secretbinding"])
def test_it_is_demanded_of_whoever_decides_where_a_secret_goes(client, django_user_model, codename):
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    eve.user_permissions.add(Permission.objects.get(codename=codename))
    client.force_login(eve)
    assert client.get("/admin/").headers.get("Location") == ENROLMENT


def test_with_a_factor_all_is_open(client, ada):
    factors.with_app(ada)
    factors.signed_in(client, ada)
    assert client.get("/admin/security/user/").status_code == 200
    assert client.get("/api/v1/optimization/budget/plans").status_code == 200


def test_where_it_is_not_demanded_a_superuser_needs_none(client, ada, settings):
    settings.SECOND_FACTOR_REQUIRED = False
    client.force_login(ada)
    assert client.get("/admin/security/user/").status_code == 200


def test_of_others_none_is_demanded(client, django_user_model):
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    eve.groups.add(Group.objects.get(name="viewer"))
    client.force_login(eve)
    assert client.get("/dashboards/budget").status_code == 200


@pytest.mark.parametrize("door", ["/login", "/admin/login/"])
def test_after_the_password_the_code_is_asked_for(client, ada, door):
    factors.with_app(ada)
    asked = {"username": "ada", "password": PHRASE, "next": "/admin/security/user/"}
    assert client.post(door, asked).headers["Location"] == f"{ENROLMENT}authenticate/"
    assert "_auth_user_id" not in client.session
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")

    step = client.post(f"{ENROLMENT}authenticate/", {"code": factors.code()})
    assert step.headers["Location"] == "/admin/security/user/"
    assert client.get("/admin/security/user/").status_code == 200


def test_a_code_opens_once(client, ada):
    factors.with_app(ada)
    shown = factors.code()
    sign_in(client)
    client.post(f"{ENROLMENT}authenticate/", {"code": shown})
    client.post("/logout")
    sign_in(client)
    again = client.post(f"{ENROLMENT}authenticate/", {"code": shown})
    assert again.status_code == 200
    assert b"Incorrect code" in again.content


def test_without_the_broker_a_code_still_opens_and_still_only_once(client, ada, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    factors.with_app(ada)
    shown = factors.code(left=5)
    for door in (302, 200):
        sign_in(client)
        step = client.post(f"{ENROLMENT}authenticate/", {"code": shown})
        assert step.status_code == door
        client.post("/logout")


def test_a_code_used_before_the_broker_went_does_not_open_after_it(client, ada, settings, valkey):
    factors.with_app(ada)
    shown = factors.code(left=5)
    sign_in(client)
    assert client.post(f"{ENROLMENT}authenticate/", {"code": shown}).status_code == 302
    client.post("/logout")
    valkey.flushdb()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    sign_in(client)
    assert client.post(f"{ENROLMENT}authenticate/", {"code": shown}).status_code == 200


def test_wrong_codes_are_counted_and_then_the_right_one_waits_too(client, ada):
    factors.with_app(ada)
    sign_in(client)
    for _ in range(5):
        client.post(f"{ENROLMENT}authenticate/", {"code": "000000"})
    late = client.post(f"{ENROLMENT}authenticate/", {"code": factors.code()})
    assert late.status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_recovery_code_opens_once(client, ada):
    factors.with_app(ada)
    one = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    sign_in(client)
    assert client.post(f"{ENROLMENT}authenticate/", {"code": one}).status_code == 302
    client.post("/logout")
    sign_in(client)
    assert client.post(f"{ENROLMENT}authenticate/", {"code": one}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_an_app_is_set_up_and_its_recovery_codes_are_shown_once(client, ada):
    sign_in(client)
    page = client.get(reverse("mfa_activate_totp"))
    [secret] = re.findall(r"<code>([A-Z2-7]{32})</code>", page.content.decode())
    wrong = client.post(reverse("mfa_activate_totp"), {"code": "abc"})
    assert b"Incorrect code" in wrong.content
    done = client.post(reverse("mfa_activate_totp"), {"code": factors.code(secret)})
    assert done.headers["Location"] == reverse("mfa_view_recovery_codes")
    first = client.get(reverse("mfa_view_recovery_codes"))
    assert len(re.findall(rb"<code>\d{8}</code>", first.content)) == 10
    assert b"****" in client.get(reverse("mfa_view_recovery_codes")).content
    assert client.get("/admin/").status_code == 200


def test_what_is_stored_of_a_factor_is_sealed(ada, settings):
    factors.with_app(ada)
    stored = json.dumps([each.data for each in Authenticator.objects.all()])
    assert factors.SECRET not in stored
    assert (
        SecondFactorAdapter().decrypt(Authenticator.objects.get(type="totp").data["secret"])
        == factors.SECRET
    )
    settings.ENCRYPTION_KEYS = keyring.new_entry().replace("k1:", "another:")
    with pytest.raises(DecryptionFailed):
        SecondFactorAdapter().decrypt(Authenticator.objects.get(type="totp").data["secret"])


@pytest.mark.parametrize(
    "name",
    [
        *("mfa_index", "mfa_deactivate_totp", "mfa_view_recovery_codes"),
        *("mfa_generate_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
        *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
    ],
)
def test_every_page_of_it_opens_for_a_person_who_has_one(client, ada, name):
    factors.with_app(ada)
    factors.signed_in(client, ada)
    answer = client.get(reverse(name), follow=True)
    assert answer.status_code == 200
    assert b"message-page" in answer.content  # our frame, not the library's


def test_nobody_signs_up_by_himself(client, rf):
    assert not AccountAdapter().is_open_for_signup(rf.get("/"))
    for path in ("/account/signup/", "/accounts/signup/", "/account/password/reset/"):
        assert client.get(path).status_code == 404


def test_an_officer_sees_who_has_a_factor_and_only_an_administrator_removes_it(
    client, ada, django_user_model
):
    row = factors.with_app(ada)
    boss = django_user_model.objects.create_user("boss", is_staff=True)
    boss.groups.add(Group.objects.get(name="administrator"))
    factors.with_app(boss)
    factors.signed_in(client, boss)
    page = client.get("/admin/mfa/authenticator/")
    assert page.status_code == 200
    assert factors.SECRET.encode() not in page.content
    shown = client.get(f"/admin/mfa/authenticator/{row.pk}/change/").content
    assert row.data["secret"].encode() not in shown
    gone = f"/admin/mfa/authenticator/{row.pk}/delete/"
    assert client.post(gone, {"post": "yes"}).status_code == 403  # a superuser's
    row = Authenticator.objects.get(user=boss, type="totp")
    gone = f"/admin/mfa/authenticator/{row.pk}/delete/"
    assert client.post(gone, {"post": "yes"}).status_code == 302
    assert not Authenticator.objects.filter(user=boss).exists()


@pytest.mark.parametrize("by_list", [False, True])
def test_with_the_last_factor_its_recovery_codes_go_and_another_can_be_set_up(
    client, ada, django_user_model, by_list
):
    """Codes alone would ask for a code for ever, and open the account to who found them."""
    lost = django_user_model.objects.create_user("lost", is_staff=True)
    lost.groups.add(Group.objects.get(name="approver"))
    factors.with_app(lost)
    factors.with_app(ada)
    factors.signed_in(client, ada)
    rows = Authenticator.objects.filter(user=lost).order_by("type")
    if by_list:
        chosen = [str(each.pk) for each in rows]
        form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        client.post("/admin/mfa/authenticator/", form)
    else:
        row = rows.get(type="totp")
        client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
    assert not rows.all().exists()
    assert Authenticator.objects.filter(user=ada).count() == 2
    client.force_login(lost)
    assert client.get("/", follow=True).request["PATH_INFO"] == ENROLMENT


def test_a_stranger_with_a_wrong_key_stays_a_stranger_beside_a_session(client, ada):
    client.force_login(ada)
    answer = client.get("/api/v1/optimization/budget/plans", headers={"X-API-Key": "no-key"})
    assert answer.status_code == 401
    assert Caller().get("/api/v1/optimization/budget/plans").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_factor_that_comes_or_goes_is_an_event_of_the_audit(client, ada):
    client.force_login(ada)
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    [secret] = re.findall(r"<code>([A-Z2-7]{32})</code>", page)
    client.post(reverse("mfa_activate_totp"), {"code": factors.code(secret)})
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.exists()
    told = Event.objects.filter(stream="access").order_by("seq").values_list("event", flat=True)
    # the app, and the recovery codes that come and go with it
    assert [each for each in told if each.startswith("second")] == ["second factor added"] * 2 + [
        "second factor removed"
    ] * 2
    assert client.get("/admin/").headers["Location"] == ENROLMENT


def test_with_another_factor_left_the_recovery_codes_stay(ada):
    app = factors.with_app(ada)
    Authenticator.objects.create(user=ada, type="webauthn", data={})
    remove_factor(app)
    left = Authenticator.objects.filter(user=ada).values_list("type", flat=True)
    assert sorted(left) == ["recovery_codes", "webauthn"]
