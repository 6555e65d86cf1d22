import base64
import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from aethercrown import env
from aethercrown.crypto import keyring
from aethercrown.crypto.keyring import InvalidKeyring


def entry(kid, raw):
    return f"{kid}:{base64.b64encode(raw).decode()}"


ONE, TWO = entry("k1", b"1" * 32), entry("k2", b"2" * 32)


def test_the_first_key_is_the_active_one():
    found = keyring.parse(f"{TWO}, {ONE}")
    assert found.active == "k2"
    assert found.key("k1") == b"1" * 32


@given(st.binary(min_size=32, max_size=32))
def test_any_base64_of_32_bytes_is_read(raw):
    for text in (base64.b64encode(raw), base64.urlsafe_b64encode(raw).rstrip(b"=")):
        assert keyring.parse(f"k:{text.decode()}").key("k") == raw


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Entry 1 of ENCRYPTION_KEYS is not of the form kid:base64"),
        ("abc", "Entry 1"),
        (f"{ONE},", "Entry 2"),
        (f"a b:{ONE}", "Entry 1"),
        (f"{ONE},{ONE}", "names 'k1' twice"),
        (f"{ONE},{entry('k2', b'1' * 32)}", "the same key under two ids"),
        ("k1:!!!", "'k1' of ENCRYPTION_KEYS is not base64"),
        (entry("k1", b"1" * 16), "has 16 bytes and must have 32"),
    ],
)
def test_what_cannot_be_used_is_named_without_the_key(text, words):
    with pytest.raises(InvalidKeyring, match=words) as refused:
        keyring.parse(text)
    assert "MTEx" not in str(refused.value)


@pytest.mark.parametrize("other", ["1" * 32, base64.b64encode(b"1" * 32).decode()])
def test_a_kek_that_equals_another_secret_is_refused(other):
    with pytest.raises(InvalidKeyring, match="equals SECRET_KEY"):
        keyring.parse(ONE, ["", other])


def test_a_ring_shows_no_key():
    assert "1111" not in repr(keyring.parse(ONE))


def told(tmp_path=None, given="", file=""):
    return env.encryption_keys(given=given, file=file, folder=tmp_path, others=())


def test_on_one_machine_a_key_is_made_once_for_its_owner_only(tmp_path):
    made = told(tmp_path)
    assert told(tmp_path) == made
    assert len(keyring.parse(made).key("k1")) == 32
    assert (tmp_path / "encryption_keys").stat().st_mode & 0o777 == 0o600


def test_a_file_may_hold_them(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"{TWO},{ONE}\n")
    assert told(file=str(file)) == f"{TWO},{ONE}"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "ENCRYPTION_KEYS is missing, and DATABASE_URL names a server"),
        ({"given": ONE, "file": "x"}, "Both ENCRYPTION_KEYS and ENCRYPTION_KEYS_FILE"),
        ({"file": os.devnull + "/x"}, "ENCRYPTION_KEYS_FILE cannot be read"),
        ({"given": "k1:abc"}, "must have 32"),
    ],
)
def test_a_start_without_good_keys_is_refused_in_a_sentence(wrong, words):
    with pytest.raises(ImproperlyConfigured, match=words):
        told(**wrong)
