from threading import BoundedSemaphore

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.hashers import get_hasher
from django.contrib.sessions.models import Session
from django.test import Client

from security.access.services import sign_in as passwords
from security.audit.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_buckets")]
PHRASE = "a long enough phrase"


@pytest.fixture
def ada(django_user_model):
    return django_user_model.objects.create_user("ada", password=PHRASE, is_staff=True)


def sign_in(client, name="ada", password=PHRASE, address="192.0.2.1", path="/login", **more):
    asked = {"username": name, "password": password, **more}
    return client.post(path, asked, REMOTE_ADDR=address)


def test_the_right_password_opens_and_leads_where_one_wanted_to_go(client, ada):
    assert sign_in(client, next="/dashboards/budget").headers["Location"] == "/dashboards/budget"
    assert client.get("/login").headers["Location"] == "/"


def test_nobody_is_led_to_another_site(client, ada):
    assert sign_in(client, next="https://evil.example.com/").headers["Location"] == "/"


def test_signing_out_takes_a_post_and_ends_the_session(client, ada):
    sign_in(client)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").headers["Location"] == "/login"
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_and_an_unknown_name_look_alike(client, ada):
    wrong = sign_in(client, password="wrong")  # noqa: S106 - wrong on purpose
    unknown = sign_in(client, name="nobody")
    assert wrong.status_code == unknown.status_code == 200
    assert (
        wrong.context["form"].errors.get_json_data()
        == unknown.context["form"].errors.get_json_data()
    )
    assert b"5 wrong tries" in wrong.content


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_after_five_wrong_tries_the_right_password_waits_too(client, ada, path):
    for _ in range(5):
        sign_in(client, password="wrong", path=path)  # noqa: S106 - wrong on purpose
    refused = sign_in(client, path=path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert sign_in(client, name="ADA", path=path).status_code == 429


def test_another_address_and_another_name_stay_open(client, ada, django_user_model):
    django_user_model.objects.create_user("bob", password=PHRASE)
    for _ in range(5):
        sign_in(client, password="wrong")  # noqa: S106 - wrong on purpose
    assert sign_in(client, name="bob").status_code == 302
    assert sign_in(client, address="192.0.2.2").status_code == 302


def test_a_sign_in_of_the_owner_elsewhere_gives_a_guesser_no_new_tries(client, ada):
    for _ in range(5):
        sign_in(client, password="wrong")  # noqa: S106 - wrong on purpose
    owner = Client()
    assert sign_in(owner, address="192.0.2.2").status_code == 302
    assert owner.get("/account/password").status_code == 200  # goes on working meanwhile
    assert sign_in(client).status_code == 429


def test_made_up_names_from_one_address_are_limited_and_cost_no_hash(client, ada, monkeypatch):
    for number in range(30):
        assert sign_in(client, name=f"nobody{number}").status_code == 200
    monkeypatch.setattr(passwords.PasswordBackend, "check", None)  # would raise
    assert sign_in(client, name="nobody30").status_code == 429
    assert sign_in(client).status_code == 429
    monkeypatch.undo()
    assert sign_in(client, address="198.51.100.7").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_many_tries_at_once_none_is_free(ada, at_once, monkeypatch):
    for number in range(28):
        sign_in(Client(), name=f"nobody{number}")
    hashed: list[object] = []
    monkeypatch.setattr(passwords.PasswordBackend, "check", lambda *_: hashed.append(1))
    answers = at_once(lambda: sign_in(Client(), name=f"n{id(object())}"), 12)
    assert sorted(each.status_code for each in answers) == [200] * 2 + [429] * 10
    assert len(hashed) == 2


def test_right_passwords_cost_no_try(client, ada):
    for _ in range(8):
        assert sign_in(client).status_code == 302
        client.logout()


def test_guessing_from_many_addresses_closes_the_name_for_all(client, ada):
    for number in range(30):
        sign_in(client, password="wrong", address=f"192.0.2.{number}")  # noqa: S106 - wrong on purpose
    assert sign_in(client, address="198.51.100.1").status_code == 429


def test_a_name_that_nobody_has_is_closed_alike(client, ada):
    for _ in range(5):
        sign_in(client, name="nobody")
        sign_in(client, password="wrong")  # noqa: S106 - wrong on purpose
    unknown, known = sign_in(client, name="nobody"), sign_in(client)
    assert unknown.status_code == known.status_code == 429
    assert unknown.content == known.content


@pytest.mark.parametrize("name", ["ada", "nobody", "without"])
def test_one_password_is_hashed_whoever_is_tried(client, ada, name, django_user_model, monkeypatch):
    django_user_model.objects.create_user("without")  # no password at all
    hashed, kind = [], type(get_hasher())
    encode = kind.encode

    def counted(hasher, password, salt):
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(kind, "encode", counted)
    sign_in(client, name=name, password="wrong")  # noqa: S106 - wrong on purpose
    assert len(hashed) == 1


def test_trying_on_while_closed_does_not_keep_it_closed(client, ada):
    with time_machine.travel("2026-11-22T09:00:00Z", tick=False) as clock:
        for _ in range(5):
            sign_in(client, password="wrong")  # noqa: S106 - wrong on purpose
        clock.shift(14 * 60)
        assert sign_in(client).status_code == 429
        clock.shift(2 * 60)
        assert sign_in(client).status_code == 302


def test_nothing_typed_is_kept_of_a_wrong_try(client, ada):
    sign_in(client, name="my password typed here", password="other canary")  # noqa: S106 - made up
    kept = str(list(AccessAttempt.objects.values()))
    assert "canary" not in kept
    assert "typed" not in kept


def test_more_sign_ins_than_can_be_hashed_at_once_are_told_to_wait(client, ada, monkeypatch):
    monkeypatch.setattr(passwords, "_slots", BoundedSemaphore(1))
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.01)
    with passwords.hashing_slot():
        for _ in range(31):  # which cost none of the 30 tries an hour
            answer = sign_in(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert sign_in(client).status_code == 302


def test_a_check_without_a_request_is_not_slowed(client, ada):
    for _ in range(6):
        assert not client.login(username="ada", password="wrong")  # noqa: S106 - wrong on purpose
    assert client.login(username="ada", password=PHRASE)


def test_somebody_switched_off_does_not_come_in(client, ada):
    ada.is_active = False
    ada.save()
    assert sign_in(client).status_code == 200


def test_a_signed_in_person_who_is_no_staff_is_told_so_and_not_asked_to_sign_in_again(
    client, django_user_model
):
    client.force_login(django_user_model.objects.create_user("eve"))
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert b'action="/logout"' in answer.content


def test_a_password_is_changed_by_whoever_knows_it_and_other_sessions_end(client, ada):
    other = Client()
    other.force_login(ada)
    client.force_login(ada)
    given = {"new_password1": "another long phrase", "new_password2": "another long phrase"}
    wrong = client.post("/account/password", given | {"old_password": "wrong"})
    assert b"entered incorrectly" in wrong.content
    assert b'type="password"' in wrong.content
    assert client.post("/account/password", given | {"old_password": PHRASE}).status_code == 302
    assert client.get("/account/2fa/").status_code == 200
    assert other.get("/account/2fa/").headers["Location"].startswith("/login")


def test_signing_in_makes_a_new_session_and_signing_out_leaves_none(client, ada):
    client.get("/login")
    sign_in(client)
    first = client.session.session_key
    client.post("/logout")
    assert not Session.objects.filter(pk=first).exists()
    sign_in(client)
    assert client.session.session_key != first
    assert len(first) >= 32


def test_somebody_switched_off_is_out_at_once(client, ada):
    client.force_login(ada)
    ada.is_active = False
    ada.save()
    assert client.get("/account/2fa/").status_code == 302


@pytest.mark.parametrize("fields", [None, ["is_active"]])
def test_sessions_of_somebody_switched_off_stay_ended_when_the_account_is_on_again(
    client, ada, django_user_model, fields
):
    bob = Client()
    bob.force_login(django_user_model.objects.create_user("bob"))
    client.force_login(ada)
    for state in (False, True):
        ada.is_active = state
        ada.save(update_fields=fields)
    assert client.get("/account/2fa/").status_code == 302
    assert bob.get("/account/2fa/").status_code == 200


def test_an_empty_name_closes_nobody_else(client, ada):
    for _ in range(6):
        assert sign_in(client, name="").status_code == 200
    assert sign_in(client).status_code == 302


def test_look_alikes_of_a_name_have_no_tries_of_their_own(client, ada):
    for name in ("ADA", " ada ", "\uff41\uff44\uff41", "Ada", "\uff21da"):
        sign_in(client, name=name, password="wrong")  # noqa: S106 - wrong on purpose
    assert sign_in(client).status_code == 429


def test_what_happens_at_the_door_is_an_event_of_the_audit(client, ada):
    for _ in range(7):
        sign_in(client, password="wrong")  # noqa: S106 - wrong on purpose
    sign_in(client, address="192.0.2.9")
    rows = Event.objects.filter(stream="access", event__startswith="sign").order_by("seq")
    told = rows.values_list("event", "subject")
    assert sorted(told[:6]) == [
        ("sign-in locked", f"user {ada.pk}"),
        *[("sign-in refused", f"user {ada.pk}")] * 5,
    ]
    assert list(told[6:]) == [("signed in", f"user {ada.pk}")]


def test_one_signs_out_wherever_else_one_is(client, ada, django_user_model):
    other, bob = Client(), Client()
    other.force_login(ada)
    bob.force_login(django_user_model.objects.create_user("bob"))
    client.force_login(ada)
    assert client.get("/account/sign-out-elsewhere").status_code == 405
    done = client.post("/account/sign-out-elsewhere", follow=True)
    assert b"Signed out elsewhere: 1." in done.content
    assert other.get("/account/2fa/").status_code == 302
    assert bob.get("/account/2fa/").status_code == 200
    session = client.session
    session["proved"] = 0
    session.save()
    again = client.post("/account/sign-out-elsewhere").headers["Location"]
    assert again.startswith("/account/reauthenticate")
