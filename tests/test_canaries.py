"""Secrets put into every field never come out; `python -m tests.faults` sends 100,000."""

import pytest

from security.apikeys import services as keys
from tests import canaries

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def flock(client, admin_user, settings):
    settings.SECURE_SSL_REDIRECT = False
    settings.API_BURST = settings.API_ADDRESS_BURST = 10**9
    client.raise_request_exception = False
    client.force_login(admin_user)
    key = keys.create("a canary's", ["all"]).plaintext
    return canaries.Flock(client, admin_user, key, seed=1)


def test_no_secret_comes_out_anywhere(flock, valkey):
    with canaries.logged(flock.stream):
        for entrance in (*canaries.PLACES, *canaries.WORDS * 40):
            flock.release(entrance)
    assert flock.found(valkey) == {}
    assert len(flock.released) == len(canaries.PLACES) + len(canaries.WORDS)
    assert flock.stream.getvalue().count("\n") > 80


@pytest.mark.parametrize("place", ["tables", "broker", "logs", "exports"])
def test_one_that_did_come_out_would_be_found(flock, valkey, place, monkeypatch):
    given = flock.canary()
    if place == "tables":
        flock.boss.first_name = given
        flock.boss.save()
    elif place == "broker":
        valkey.lpush("test-queue", given)
    elif place == "exports":
        monkeypatch.setattr(canaries, "exported", lambda: iter([given]))
    else:
        flock.stream.write(given)
    assert flock.found(valkey) == {place: 1} or place == "tables"
    assert place in flock.found(valkey)
    valkey.delete("test-queue")
