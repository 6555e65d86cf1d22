"""Verifying elsewhere, without the platform's key-encryption keys."""

import base64
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from operations.messaging.models import Destination
from security.audit import reports, services
from security.audit.models import Event
from security.encryption.reports import system_secrets

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _anchored(settings, tmp_path):
    settings.AUDIT_ANCHORS = tmp_path / "anchors"
    services.record(stream="admin", event="e", subject="s")
    services.anchor(NOON)
    yield
    system_secrets.clear_cache()


@pytest.fixture
def taken(tmp_path):
    path = tmp_path / "audit.key"
    call_command("audit_key", path)
    return path


def test_the_key_is_taken_into_a_private_file_once_and_that_is_an_event(taken):
    assert taken.stat().st_mode & 0o777 == 0o600
    assert taken.read_text().strip() == reports.audit_key()
    event = Event.objects.get(event="audit.key_taken")
    assert reports.audit_key() not in f"{event.detail}{event.subject}"
    with pytest.raises(CommandError, match="exists already"):
        call_command("audit_key", taken)
    assert Event.objects.filter(event="audit.key_taken").count() == 1


def test_whoever_has_that_file_verifies_without_the_kek(taken, settings, capsys):
    system_secrets.clear_cache()
    settings.ENCRYPTION_KEYS = f"other:{base64.b64encode(b'x' * 32).decode()}"
    with pytest.raises(Exception, match="names only other"):
        call_command("verify_audit")
    call_command("verify_audit", key_file=taken)
    assert "nothing is wrong" in capsys.readouterr().out


def test_rows_with_encrypted_values_are_compared_only_where_they_can_be_decrypted(
    taken, settings, capsys
):
    Destination.objects.create(name="a", channel="webhook", address="https://a.example.com/x")
    assert reports.history_faults() == []
    system_secrets.clear_cache()
    settings.ENCRYPTION_KEYS = f"other:{base64.b64encode(b'x' * 32).decode()}"
    call_command("verify_audit", key_file=taken)
    assert "cannot be decrypted here were not compared" in capsys.readouterr().out
    assert [each.kind for each in reports.history_faults()] == ["altered"]


def test_another_key_fits_no_anchor(tmp_path):
    path = tmp_path / "wrong.key"
    path.write_text("another key\n")
    with pytest.raises(CommandError, match="1 fault,"):
        call_command("verify_audit", key_file=path)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff", "cannot be read")]
)
def test_a_file_that_holds_no_key_is_refused(tmp_path, content, words):
    path = tmp_path / "none.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        call_command("verify_audit", key_file=path)
