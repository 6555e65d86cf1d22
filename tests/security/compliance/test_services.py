"""The pack as an auditor opens it."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from security.audit.chain import link_hash
from security.audit.models import Event
from security.compliance import reports, services
from security.rotation import services as keys
from security.rotation.models import ManagedSecret, RotationPolicy, SecretBinding
from tests.security.audit import tampering
from tests.security.rotation.stored import puller

pytestmark = pytest.mark.django_db


def pack():
    _name, content = services.build_pack(timezone.now(), actor="user:olga")
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {
        name.removesuffix(".json"): json.loads(archive.read(name))
        for name in archive.namelist()
        if name.endswith(".json")
    }


@pytest.fixture
def secrets():
    """Keys with a past; every value that any of them had."""
    first = keys.register("billing-secret", "signing_secret", level="high", owner="Billing")
    second = keys.rotate("billing-secret", reason="compromised")
    keys.register("gate-code", "code", level="critical", value="canary-in-the-gate")
    late = timezone.now() - timedelta(days=3)
    ManagedSecret.objects.filter(key_id="gate-code").update(due_at=late, eligible_at=late)
    keys.pause("gate-code")
    keys.rotate_due()
    return [first.secret, second.new_key, "canary-in-the-gate"]


def test_it_holds_inventory_policy_history_exceptions_and_proof(secrets):
    RotationPolicy.objects.update_or_create(level="high", defaults={"grace_minutes": 90})
    found = pack()
    assert [each["key_id"] for each in found["inventory"]] == ["billing-secret", "gate-code"]
    assert found["inventory"][1]["status"] == "overdue"
    policy = {each["level"]: each for each in found["policy"]}
    assert (policy["high"]["grace_hours"], policy["high"]["grace_from"]) == (1.5, "policy")
    assert policy["low"] == {
        "level": "low",
        "interval_days": 180,
        "interval_from": "settings",
        "grace_hours": 168.0,
        "grace_from": "default",
    }
    history = [(each["key_id"], each["number"], each["state"]) for each in found["history"]]
    assert history == [
        ("billing-secret", 1, "compromised"),
        ("billing-secret", 2, "current"),
        ("gate-code", 1, "current"),
    ]
    exceptions = {(each["kind"], each["key_id"]) for each in found["exceptions"]}
    assert exceptions == {
        ("overdue", "gate-code"),
        ("paused", "gate-code"),
        ("compromised", "billing-secret"),
    }
    assert len(found["rotation_runs"]) == 1
    assert found["proof"][0]["what"] == "no fault"


def test_it_holds_where_secrets_may_be_used_and_what_was_left_outside(db):
    url = {"url": "https://a.example.com/"}
    key = keys.register("hook", "x", rotator="webhook", config=url).key
    SecretBinding.objects.create(key=key, purpose="webhook", host="a.example.com", port=443)
    puller(key)
    keys.revoke("hook", outside_later=True)
    found = pack()
    assert found["bindings"][0]["host"] == "a.example.com"
    assert (found["channels"][0]["name"], found["channels"][0]["kind"]) == ("web servers", "pull")
    [left] = found["outside"]
    assert (left["key_id"], left["version"], left["state"]) == ("hook", 1, "open")
    assert left["place"] == "version 1 at the receiver a.example.com:443"


def test_anybody_can_compute_the_chain_again_from_the_pack_alone(secrets):
    ends: dict[Any, Any] = {}
    links: Any = reports.links()
    for row in links.rows:
        stored = Event.objects.get(stream=row[0], seq=row[1])
        assert link_hash(ends.get(row[0], row[7]), stored.entry) == row[8]
        ends[row[0]] = row[8]
    assert len(ends) == 2
    proof = {each["where"]: each["text"] for each in pack()["proof"] if each["what"] == "end"}
    assert proof == ends


def test_no_file_holds_a_secret(secrets):
    text = json.dumps(pack())
    assert not [each for each in secrets if each in text]


def test_an_altered_link_stands_in_the_proof(secrets):
    event = Event.objects.filter(stream__startswith=reports.KEY_STREAM_PREFIX).order_by("pk")[0]
    tampering.as_owner()
    Event.objects.filter(pk=event.pk).update(actor="nobody")
    proof = pack()["proof"]
    assert proof[0]["what"] == "fault"
    assert proof[0]["where"] == event.stream


def test_taking_it_stands_in_the_chain():
    name, _content = services.build_pack(timezone.now(), actor="user:olga")
    event = Event.objects.get(event="evidence.taken")
    assert (event.subject, event.actor) == (name, "user:olga")


class TestCommand:
    def test_it_writes_a_file_that_nobody_else_reads(self, tmp_path, capsys):
        call_command("evidence_pack", "--to", str(tmp_path))
        (written,) = tmp_path.iterdir()
        assert f"is in {written} (" in capsys.readouterr().out
        assert written.stat().st_mode & 0o777 == 0o600
        assert zipfile.is_zipfile(written)

    def test_without_a_path_it_writes_into_the_data_folder(
        self, tmp_path, settings, monkeypatch, capsys
    ):
        settings.DATA_DIR = tmp_path / "data"
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        call_command("evidence_pack")
        (written,) = (tmp_path / "data" / "evidence").iterdir()
        assert f"is in {written} (" in capsys.readouterr().out
        assert list((tmp_path / "here").iterdir()) == []

    def test_it_overwrites_nothing(self, tmp_path):
        target = tmp_path / "pack.zip"
        target.write_text("mine")
        with pytest.raises(CommandError, match="exists already"):
            call_command("evidence_pack", "--to", str(target))
        assert target.read_text() == "mine"


def test_a_key_without_a_working_value_is_failing_in_the_inventory(secrets):
    ManagedSecret.objects.filter(key_id="billing-secret").update(state="failed")
    assert pack()["inventory"][0]["status"] == "failing"
