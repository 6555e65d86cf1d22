import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from security.apikeys import services
from security.apikeys.models import ApiKey

pytestmark = pytest.mark.django_db


def test_the_key_stands_alone_on_the_last_line_and_works(capsys):
    call_command("create_api_key", name="shop", scopes="all")
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    credential = services.verify_key(printed.out.strip())
    assert credential is not None
    assert len(credential.scopes) == 12
    assert printed.out.strip() not in printed.err


def test_json_says_it_all_in_one_line(capsys):
    call_command("create_api_key", "--json", name="shop", scopes="revenue:read,content:write")
    made = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert made["scopes"] == ["revenue:read", "content:write"]
    credential = services.verify_key(made["key"])
    assert credential is not None
    assert credential.id == made["id"]


def test_an_unknown_scope_makes_no_key_and_lists_the_scopes():
    with pytest.raises(CommandError, match=r"No such scope: root.*operational:write") as caught:
        call_command("create_api_key", name="shop", scopes="root")
    assert caught.value.returncode == 1
    assert not ApiKey.objects.exists()


def test_a_key_may_be_bound_to_networks(capsys):
    call_command("create_api_key", name="shop", scopes="all", networks="203.0.113.7")
    assert ApiKey.objects.get().allowed_networks == "203.0.113.7/32"
    with pytest.raises(CommandError, match="No network or address: home"):
        call_command("create_api_key", name="shop", scopes="all", networks="home")


def test_a_name_that_is_too_long_makes_no_key():
    with pytest.raises(CommandError, match=r"--name: .*100"):
        call_command("create_api_key", name="x" * 101, scopes="all")


def test_a_rotated_key_prints_its_successor(capsys):
    old = services.create("shop", ["all"])
    call_command("rotate_api_key", old.key.pk, grace_hours=2)
    new = services.verify_key(capsys.readouterr().out.splitlines()[-1])
    retiring = services.verify_key(old.plaintext)
    assert new is not None
    assert new.name == "shop"
    assert retiring is not None
    assert retiring.retire_at is not None
    assert retiring.retire_at - timezone.now() < timedelta(hours=2)


@pytest.mark.parametrize("command", ["rotate_api_key", "revoke_api_key"])
def test_a_key_that_is_not_there_is_named(command):
    with pytest.raises(CommandError, match="no key 77"):
        call_command(command, 77)


@pytest.mark.parametrize("hours", [-1, 1e300, float("nan")])
def test_a_grace_that_is_no_duration_changes_nothing(hours):
    old = services.create("shop", ["all"])
    with pytest.raises(CommandError):
        call_command("rotate_api_key", old.key.pk, grace_hours=hours)
    assert ApiKey.objects.count() == 1


def test_a_revoked_key_is_refused_and_not_rotated(capsys):
    old = services.create("shop", ["all"])
    call_command("revoke_api_key", old.key.pk)
    assert "is refused since" in capsys.readouterr().err
    assert services.verify_key(old.plaintext) is None
    with pytest.raises(CommandError, match="revoked"):
        call_command("rotate_api_key", old.key.pk)
