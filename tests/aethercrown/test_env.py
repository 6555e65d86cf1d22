import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

import aethercrown
from aethercrown.env import BROKERS, DATABASES, Variables, commands, folder


def reading(**given):
    """A reader of that environment alone."""
    variables = Variables()
    variables.ENVIRON = given
    return variables


def test_what_can_be_read_is_read_and_what_is_missing_has_its_default():
    env = reading(COUNT="3", RATE="0.5", ON="yes", OFF="Off", NAME="x")
    assert (env.int("COUNT"), env.float("RATE"), env.str("NAME")) == (3, 0.5, "x")
    assert (env.bool("ON"), env.bool("OFF")) == (True, False)
    assert (env.int("OTHER", default=7), env.bool("ANOTHER", default=True)) == (7, True)
    assert env.list("NAMES", default=["a"]) == ["a"]


@pytest.mark.parametrize(
    ("read", "told", "expected"),
    [
        ("int", "abc", "a whole number"),
        ("int", "", "a whole number"),
        ("float", "half", "a number"),
        ("bool", "maybe", "True or False"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_name(read, told, expected):
    with pytest.raises(ImproperlyConfigured) as refused:
        getattr(reading(RATE=told), read)("RATE")
    assert str(refused.value) == f"RATE is {told!r}, and must be {expected}."


@pytest.mark.parametrize(
    ("told", "default", "limits", "expected"),
    [
        ("0", 30, {}, "a whole number of 1 or more"),
        ("-5", 30, {"most": 525_600}, "a whole number from 1 to 525600"),
        ("70000", 8000, {"most": 65_535}, "a whole number from 1 to 65535"),
        ("1.5", 0.7, {"least": 0, "most": 1}, "a number from 0 to 1"),
        (
            "0",
            Decimal(10),
            {"least": Decimal("0.01"), "most": 999_999_999_999},
            "an amount from 0.01 to 9",
        ),
        ("nan", Decimal(10), {"least": Decimal("0.01")}, "an amount of 0.01 or more"),
        ("x", Decimal(10), {}, "an amount"),
    ],
)
def test_a_number_out_of_its_range_is_refused_with_the_range(told, default, limits, expected):
    with pytest.raises(ImproperlyConfigured) as refused:
        reading(LIMIT=told).number("LIMIT", default, **limits)
    assert str(refused.value).startswith(f"LIMIT is {told!r}, and must be {expected}")


def test_a_number_within_its_range_is_of_the_kind_of_its_default():
    env = reading(A="1", B="1", C="0.01")
    assert (env.number("A", 30), env.number("B", 0.7, most=1)) == (1, 1.0)
    assert env.number("C", Decimal(10), least=Decimal("0.01")) == Decimal("0.01")
    assert (env.number("D", 0, least=0), type(env.number("B", 0.7))) == (0, float)


def test_every_numeric_setting_has_a_range():
    text = (Path(aethercrown.__file__).parent / "settings.py").read_text(encoding="utf-8")
    assert not re.search(r"env\.(int|float|decimal)\(", text)
    assert len(re.findall(r"env\.number\(", text)) >= 18


def test_an_address_of_a_known_kind_is_taken_as_it_is():
    env = reading(DATABASE_URL="postgresql://me:secret@host/name", REDIS_URL="redis://host:1/0")
    assert env.address("DATABASE_URL", DATABASES) == "postgresql://me:secret@host/name"
    assert env.address("REDIS_URL", BROKERS) == "redis://host:1/0"
    assert env.address("EMAIL_URL", ("smtp",)) == ""


@pytest.mark.parametrize("url", ["mysql://me:secret@host/name", "me:secret@host", "nonsense"])
def test_an_address_of_another_kind_is_refused_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL must be an address") as refused:
        reading(DATABASE_URL=url).address("DATABASE_URL", DATABASES)
    assert "secret" not in str(refused.value)
    assert "postgresql:// or postgres://" in str(refused.value)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("https://crown.example.org", "https://crown.example.org"),
        ("https://crown.example.org/", "https://crown.example.org"),
        ("HTTPS://Crown.example.org", "https://Crown.example.org"),
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("", ""),
    ],
)
def test_an_origin_is_a_scheme_and_a_host_and_perhaps_a_port(told, expected):
    assert reading(PUBLIC_URL=told).origin("PUBLIC_URL") == expected


@pytest.mark.parametrize(
    "told",
    [
        "crown.example.org",
        "ftp://crown.example.org",
        "https://",
        "https://:8000",
        "https://me:secret@crown.example.org",
        "https://crown.example.org/crown",
        "https://crown.example.org?a=1",
        "https://crown.example.org#a",
        "https://crown.example.org:0",
        "https://crown.example.org:99999",
        "https://crown example.org",
        "https://crown.example.org\n",
        "https://crówn.example.org",
        "https://[::1",
    ],
)
def test_what_is_no_origin_is_refused_without_its_password(told):
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL") as refused:
        reading(PUBLIC_URL=told).origin("PUBLIC_URL")
    assert "secret" not in str(refused.value)


def test_the_process_environment_is_what_is_read_by_default():
    assert Variables().ENVIRON is os.environ


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=/bin/true", {"a": ("/bin/true",)}),
        ("b-2=/x/y 'one two' z ;", {"b-2": ("/x/y", "one two", "z")}),
    ],
)  # fmt: skip
def test_reload_commands_have_a_name_and_an_absolute_program(text, found):
    assert commands(text, "KEY_RELOAD_COMMANDS") == found


@pytest.mark.parametrize("text", ["a", "a=", "a=true", "a b=/bin/true", "=/bin/true", "a=/x 'y"])
def test_a_reload_command_of_another_form_is_refused(text):
    with pytest.raises(ImproperlyConfigured, match="KEY_RELOAD_COMMANDS"):
        commands(text, "KEY_RELOAD_COMMANDS")


def test_a_folder_of_files_is_absolute():
    assert folder("", "KEY_FILES_DIR") is None
    assert str(folder("/run/keys", "KEY_FILES_DIR")) == "/run/keys"
    with pytest.raises(ImproperlyConfigured, match="absolute path"):
        folder("keys", "KEY_FILES_DIR")
