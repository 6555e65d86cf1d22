import pytest

from aethercrown import throttling
from security.access import services

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"


@pytest.fixture(autouse=True)
def fresh(settings, monkeypatch):
    """Buckets of this test alone."""
    settings.SECURE_SSL_REDIRECT = False
    settings.REDIS_URL = ""
    monkeypatch.setattr(services, "buckets", throttling.Buckets())


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
    assert sign_in(client, path=path).status_code == 200
    assert sign_in(client, name="ADA", path=path).status_code == 200


def test_another_address_and_another_name_stay_open(client, ada, django_user_model):
    django_user_model.objects.create_user("bob", password=PHRASE)
    for _ in range(5):
        sign_in(client, password="wrong")  # noqa: S106 - wrong on purpose
    assert sign_in(client, name="bob").status_code == 302
    assert sign_in(client, address="192.0.2.2").status_code == 302


def test_right_passwords_cost_no_try(client, ada):
    for _ in range(8):
        assert sign_in(client).status_code == 302
        client.logout()


def test_guessing_from_many_addresses_closes_the_name_for_all(client, ada):
    for number in range(30):
        sign_in(client, password="wrong", address=f"192.0.2.{number}")  # noqa: S106 - wrong on purpose
    assert sign_in(client, address="198.51.100.1").status_code == 200


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
