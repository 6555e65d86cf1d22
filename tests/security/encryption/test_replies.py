"""Answers kept for callers who ask again, sealed."""

import json

import pytest

from security.encryption.replies import Replies

pytestmark = pytest.mark.django_db
TEXT = '{"new_key": "s3cret", "é": 1}'


def test_what_was_sealed_opens_for_its_own_row_only():
    sealed = Replies().seal(TEXT, "reply:1:a")
    assert "s3cret" not in sealed
    assert Replies().opened(sealed, "reply:1:a") == TEXT
    assert Replies().opened(sealed, "reply:2:a") is None
    assert Replies().opened(sealed, "reply:1:b") is None


def test_without_its_key_encryption_key_it_does_not_open():
    kek_id, *parts = json.loads(Replies().seal(TEXT, "reply:1:a"))
    assert Replies().opened(json.dumps(["gone", *parts]), "reply:1:a") is None
    assert kek_id != "gone"
