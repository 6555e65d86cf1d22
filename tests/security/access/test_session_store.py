"""Sessions at rest: only a keyed digest of each key, and none after its end."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from aethercrown.db.sqlite.base import make_private
from operations.automations.tasks import purge_runs
from security.access import session_store
from security.access.services import end_sessions

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def eve(client, django_user_model):
    user = django_user_model.objects.create_user("eve")
    client.force_login(user)
    return user


def test_what_the_database_holds_opens_no_session(client, eve, settings):
    [row] = Session.objects.all()
    held = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert row.session_key == session_store.digest(held) != held
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = row.session_key
    assert thief.get("/account/2fa/").status_code == 302
    assert client.get("/account/2fa/").status_code == 200


def test_another_install_has_other_digests(settings):
    one = session_store.digest("a key")
    settings.SECRET_KEY = "another one"  # noqa: S105 - a test's own
    assert session_store.digest("a key") != one
    assert len(one) == session_store.MAX_DIGEST_CHARACTERS


def test_a_session_is_changed_found_again_renewed_and_deleted():
    store = session_store.SessionStore()
    store["a"] = 1
    store.create()
    key = store.session_key
    assert key is not None
    assert store.exists(key)
    again = session_store.SessionStore(key)
    assert again["a"] == 1
    again["a"] = 2
    again.save()
    assert session_store.SessionStore(key)["a"] == 2
    again.cycle_key()
    assert not store.exists(key)
    assert session_store.SessionStore(again.session_key)["a"] == 2
    again.delete(again.session_key)
    session_store.SessionStore().delete()
    assert not Session.objects.exists()


def test_an_unknown_or_ended_key_is_an_empty_session():
    store = session_store.SessionStore("unknown")
    assert store.load() == {}
    assert store.session_key is None


def test_ended_sessions_are_purged_each_night(eve):
    [row] = Session.objects.all()
    row.expire_date = timezone.now() - timedelta(seconds=1)
    row.save()
    purge_runs()
    assert not Session.objects.exists()


def test_signing_out_elsewhere_keeps_the_session_that_asks(client, eve):
    other = Client()
    other.force_login(eve)
    assert end_sessions([eve], except_key=client.session.session_key) == 1
    assert client.get("/account/2fa/").status_code == 200
    assert other.get("/account/2fa/").status_code == 302


def test_an_sqlite_file_is_private(tmp_path):
    path = tmp_path / "a.sqlite3"
    log = Path(f"{path}-wal")
    for each in (path, log):
        each.touch(mode=0o644)
    make_private(path)
    assert {each.stat().st_mode & 0o777 for each in (path, log)} == {0o600}
    make_private(tmp_path / "none")
