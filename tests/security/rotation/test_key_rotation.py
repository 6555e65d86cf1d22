"""The class of the contract, and the calls below it that others rely on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from aethercrown.registry import DuplicateName, UnknownName
from security.rotation import registry, reports, services
from security.rotation.key_rotation import KeyRotationManager
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun, SecretVersion
from security.rotation.registry import Rotator, TargetRefused
from security.rotation.rotators.generated import Manual, text
from tests.security.rotation.stored import deliver

CONTEXT = registry.empty_context("x", {})


@pytest.mark.django_db
def test_the_contract_methods_return_dicts():
    keys = KeyRotationManager()
    made = keys.register_key("mail", "api_key", "high")
    assert (made["key_id"], made["security_level"], made["version"]) == ("mail", "high", 1)
    assert (made["last_rotated"], made["rotation_interval_days"]) == (None, 60)
    assert len(made["secret"]) == 43
    assert "secret" not in keys.register_key("mail", "api_key", "high")
    rotated = keys.rotate_key("mail")
    assert (rotated["version"], rotated["reason"]) == (2, "manual")
    assert rotated["new_key"] not in {None, made["secret"]}
    deliver(ManagedSecret.objects.get())
    past = services.database_now() - timedelta(hours=1)
    SecretVersion.objects.filter(number=1).update(retire_at=past)
    ManagedSecret.objects.update(eligible_at=past, due_at=past)
    [late] = keys.get_keys_due_for_rotation()
    assert (late["key_id"], late["days_overdue"]) == ("mail", 0)
    passed = keys.schedule_auto_rotation()
    assert (passed["count"], passed["rotations"][0]["new_key"]) == (1, None)
    report = keys.get_rotation_report()
    assert (report["total_keys"], report["healthy"], report["overdue"]) == (1, 1, 0)


@pytest.mark.django_db
def test_a_key_whose_name_is_taken_at_the_same_moment_is_a_repeat(monkeypatch):
    """The look before finds nothing, and the row is there when it is written."""
    first = services.register("mail", "api_key")
    found = iter([None])
    rows = ManagedSecret.objects.filter(key_id="mail")
    monkeypatch.setattr(type(rows), "first", lambda self: next(found, first.key))
    assert services.register("mail", "api_key").is_new is False


@pytest.mark.django_db
def test_a_key_without_a_value_shows_its_last_version():
    made = services.register("mail", "api_key")
    services.revoke("mail")
    assert reports.key_info(ManagedSecret.objects.get())["version"] == 1
    assert str(made.version) == "mail v1"


def test_rows_have_names(rf):
    now = timezone.now()
    assert str(RotationPolicy(level="high")) == "high"
    begun = now.replace(second=5)
    assert str(RotationRun(begun_at=begun)) == f"{begun.day} {begun:%b %Y, %H:%M}:05 UTC"


class Other(Rotator):
    name = "generated"


def test_two_rotators_cannot_have_one_name():
    with pytest.raises(DuplicateName, match="called 'generated'"):
        registry.rotators.register(Other())
    with pytest.raises(UnknownName, match=r"Known: .*generated.*webhook"):
        registry.rotators.get("nobody")


def test_a_plain_rotator_does_nothing_outside():
    plain = Other()
    plain.validate_config({})
    for step in (plain.set, plain.test, plain.undo, plain.revoke):
        step(CONTEXT)
    assert (plain.required_action, plain.valid_until(CONTEXT), plain.initial_detail({})) == (
        "",
        None,
        {},
    )


def test_the_manual_rotator_generates_no_value():
    with pytest.raises(TargetRefused):
        Manual().generate(CONTEXT)


def test_a_configured_text_must_be_a_text():
    assert text({"mode": "x"}, "mode") == "x"
    with pytest.raises(registry.InvalidConfig, match="must be a text"):
        text({"mode": 3}, "mode")
