"""Secrets put into every field never come out; `python -m tests.faults` sends 100,000."""

import pytest

from security.apikeys import services as keys
from tests import canaries

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def sent(client, admin_user, settings):
    settings.SECURE_SSL_REDIRECT = False
    settings.API_BURST = settings.API_ADDRESS_BURST = 10**9
    client.raise_request_exception = False
    client.force_login(admin_user)
    key = keys.create("a canary's", ["all"]).plaintext
    return canaries.Canaries(client, admin_user, key, seed=1)


def test_no_secret_comes_out_anywhere(sent, valkey):
    with canaries.logged(sent.stream):
        for source in (*canaries.PLACES, *canaries.WORDS * 40):
            sent.send(source)
    assert sent.leaks(valkey) == {}
    assert len(sent.released) == len(canaries.PLACES) + len(canaries.WORDS)
    assert sent.stream.getvalue().count("\n") > 80


@pytest.mark.parametrize("place", ["tables", "broker", "logs", "exports"])
def test_one_that_did_come_out_would_be_found(sent, valkey, place, monkeypatch):
    given = sent.canary()
    if place == "tables":
        sent.boss.first_name = given
        sent.boss.save()
    elif place == "broker":
        valkey.lpush("test-queue", given)
    elif place == "exports":
        monkeypatch.setattr(canaries, "exported", lambda: iter([given]))
    else:
        sent.stream.write(given)
    assert sent.leaks(valkey) == {place: 1} or place == "tables"
    assert place in sent.leaks(valkey)
    valkey.delete("test-queue")
