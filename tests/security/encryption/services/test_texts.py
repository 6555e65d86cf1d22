"""Sealed texts of other tables: bound to their row, re-wrapped, and counted by kek_check."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from operations.messaging import services as messaging
from operations.messaging.models import Destination
from security.access.models import User
from security.access.services.second_factor import SecondFactorAdapter
from security.encryption import reports, services
from security.encryption.models import SystemSecret
from security.encryption.services import texts
from tests.security.access import factors
from tests.security.encryption.test_services import keys

pytestmark = pytest.mark.django_db
TEXT = '{"new_key": "s3cret", "é": 1}'


@pytest.fixture(autouse=True)
def one_kek(settings, db):
    SystemSecret.objects.all().delete()  # those that migrating made, under the tests' own KEK
    settings.ENCRYPTION_KEYS = keys("k1")


@pytest.fixture
def webhook():
    destination = Destination(name="chat", channel="webhook", address="https://example.com/x")
    messaging.set_secret(destination, "s3cret-of-the-hook")
    destination.save()
    return destination


@pytest.fixture
def app():
    return factors.with_app(User.objects.create(username="ada"))


def test_what_was_sealed_opens_for_its_own_row_only():
    sealed = texts.seal(TEXT, "reply:1:a")
    assert "s3cret" not in sealed
    assert texts.unseal(sealed, "reply:1:a") == TEXT
    for other in ("reply:2:a", "reply:1:b"):
        with pytest.raises(DecryptionFailed):
            texts.unseal(sealed, other)


def test_only_what_the_newest_key_sealed_is_active(settings):
    sealed = texts.seal(TEXT, "reply:1:a")
    assert texts.is_active(sealed)
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    assert not texts.is_active(sealed)


def test_without_its_key_encryption_key_it_does_not_open():
    kek_id, *parts = json.loads(texts.seal(TEXT, "reply:1:a"))
    assert kek_id == "k1"
    with pytest.raises(DecryptionFailed):
        texts.unseal(json.dumps(["gone", *parts]), "reply:1:a")


def test_a_secret_that_was_moved_to_another_destination_does_not_open(webhook):
    other = Destination.objects.create(
        name="other",
        channel="webhook",
        address="https://x.example",
        sealed_secret=webhook.sealed_secret,
    )
    assert sealing.unseal(webhook.sealed_secret, webhook.secret_context) == "s3cret-of-the-hook"
    with pytest.raises(DecryptionFailed):
        sealing.unseal(other.sealed_secret, other.secret_context)


def test_retiring_a_kek_loses_no_webhook_secret_and_no_second_factor(
    webhook, app, settings, capsys
):
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert reports.rows_by_kek() == {"k1": 5}  # two of the address, in its history too
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    left = [(each.left, each.done) for each in services.rewrap(batch=1)]
    assert left == [(5 - done, done) for done in range(6)]
    assert reports.rows_by_kek() == {"k2": 5, "k1": 0}
    call_command("kek_check")
    assert "k1: 0 rows, may be dropped from ENCRYPTION_KEYS" in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = keys("k2")
    webhook.refresh_from_db()
    assert sealing.unseal(webhook.sealed_secret, webhook.secret_context) == "s3cret-of-the-hook"
    app.refresh_from_db()
    assert SecondFactorAdapter().decrypt(app.data["secret"]) == factors.SECRET
    found = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert found == codes


def test_a_kek_that_a_webhook_needs_is_missed(webhook, settings):
    settings.ENCRYPTION_KEYS = keys("k2")
    (problem,) = reports.problems()
    assert "key-encryption key 'k1'" in problem
    assert "needed for 3 stored secrets:" in problem
    with pytest.raises(CommandError, match="needed for 3 stored secrets:"):
        call_command("kek_check")


def test_a_text_that_cannot_be_decrypted_is_named_and_stops_no_other(webhook, app, settings):
    Destination.objects.update(sealed_secret="rubbish")  # noqa: S106 - no secret
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    with pytest.raises(CommandError, match=r"1 row cannot.*\noperations\.Destination\."):
        call_command("rewrap_keys")
    assert reports.rows_by_kek() == {"k2": 4, "k1": 0}


def test_a_text_that_changed_meanwhile_is_left_alone(webhook, app):
    for column in ("operations.Destination.sealed_secret", "mfa.Authenticator.data"):
        found = sealing.columns.get(column)
        text = next(found.texts())
        assert not found.replace(text._replace(sealed="older"), "newer")
        assert not found.replace(text._replace(pk=0), "newer")
