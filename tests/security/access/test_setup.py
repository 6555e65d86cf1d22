import io
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from security.access import services
from security.access.models import SetupLink, User
from security.access.services import setup_link

PHRASE = "a long enough phrase"
CHOSEN = {"username": "ada", "password1": PHRASE, "password2": PHRASE}


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def token(db):
    return services.create_setup_link(timezone.now())


def test_a_token_has_256_bits_and_is_stored_as_a_digest(token):
    assert len(token) == 43
    [stored] = SetupLink.objects.values_list("digest", flat=True)
    assert stored == setup_link.digest(token)
    assert len(stored) == 64
    assert token not in stored
    assert token != services.create_setup_link(timezone.now())


def test_there_is_no_default_account(db):
    assert not User.objects.exists()


def test_a_post_makes_the_first_administrator_and_the_link_is_spent(client, token):
    assert client.post(f"/setup/{token}", CHOSEN).headers["Location"] == "/login"
    ada = User.objects.get()
    assert ada.is_superuser
    assert ada.is_staff
    assert ada.check_password(PHRASE)
    assert client.post(f"/setup/{token}", CHOSEN | {"username": "eve"}).status_code == 410
    assert User.objects.count() == 1


def test_looking_uses_nothing(client, token):
    for _ in range(3):
        assert b"first administrator" in client.get(f"/setup/{token}").content
    assert client.head(f"/setup/{token}").status_code == 200
    assert client.post(f"/setup/{token}", CHOSEN).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("password1", "short", b"at least 15"),
        ("password2", "another long phrase", b"match"),
        ("username", "", b"required"),
    ],
)
def test_a_form_with_a_mistake_uses_nothing_either(client, token, field, value, words):
    chosen = CHOSEN | {field: value} | ({"password2": value} if field == "password1" else {})
    assert words in client.post(f"/setup/{token}", chosen).content
    assert SetupLink.objects.get().used_at is None


def test_a_link_that_is_too_old_or_unknown_is_gone(client, token):
    assert client.get("/setup/x").status_code == 410
    assert client.get("/setup/%00%ff").status_code in {400, 404, 410}
    SetupLink.objects.update(expires_at=timezone.now())
    gone = client.post(f"/setup/{token}", CHOSEN)
    assert gone.status_code == 410
    assert b"manage.py setup_link" in gone.content
    assert not User.objects.exists()


def test_a_new_link_ends_the_one_before(token):
    newer = services.create_setup_link(timezone.now())
    assert not services.is_setup_link_valid(token, timezone.now())
    assert services.is_setup_link_valid(newer, timezone.now())
    later = timezone.now() + timedelta(minutes=15)
    assert not services.is_setup_link_valid(newer, later)


def test_once_there_is_an_administrator_a_link_neither_works_nor_is_made(client, token, admin_user):
    assert client.get(f"/setup/{token}").status_code == 410
    with pytest.raises(services.AlreadySetUp):
        services.create_first_administrator(token, "eve", PHRASE, timezone.now())
    assert SetupLink.objects.get().used_at is None
    with pytest.raises(CommandError, match="administrator already"):
        call_command("setup_link")


def test_the_form_loses_against_another_that_was_quicker(client, token, monkeypatch):
    """Between the look and the write, somebody else used the link."""
    services.create_first_administrator(token, "eve", PHRASE, timezone.now())
    monkeypatch.setattr(services, "is_setup_link_valid", lambda *_: True)
    assert client.post(f"/setup/{token}", CHOSEN).status_code == 410
    assert [each.username for each in User.objects.all()] == ["eve"]


@pytest.mark.django_db(transaction=True)
def test_of_many_posts_at_once_one_wins(at_once):
    token = services.create_setup_link(timezone.now())
    names = iter(f"ada{number}" for number in range(8))
    outcomes = at_once(
        lambda: services.create_first_administrator(token, next(names), PHRASE, timezone.now()), 8
    )
    assert sum(isinstance(each, User) for each in outcomes) == 1
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("chosen", "host", "start"),
    [
        ({"HTTPS": False, "PUBLIC_URL": ""}, None, "http://localhost:8000/setup/"),
        ({"HTTPS": True, "PUBLIC_URL": ""}, "a.example.com", "https://a.example.com/setup/"),
        (
            {"HTTPS": True, "PUBLIC_URL": "https://b.example.org/"},
            None,
            "https://b.example.org/setup/",
        ),
    ],
)
@pytest.mark.django_db
def test_the_command_prints_a_link_that_works(client, settings, chosen, host, start):
    for name, value in (
        chosen | {"PORT": 8000, "ALLOWED_HOSTS": ["localhost", "testserver"]}
    ).items():
        setattr(settings, name, value)
    out = io.StringIO()
    call_command("setup_link", host=host, stdout=out)
    link = out.getvalue().split()[-1]
    assert link.startswith(start)
    assert client.get(re.sub(r"https?://[^/]+", "", link)).status_code == 200
