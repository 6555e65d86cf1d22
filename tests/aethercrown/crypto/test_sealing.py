"""Texts of any table are encrypted for their row, under the keys of ENCRYPTION_KEYS."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.db.sealed import sealed_columns

pytestmark = pytest.mark.django_db
TEXTS = st.text(st.characters(codec="utf-8"), max_size=50)


class TestAnyText(TestCase):
    @given(text=TEXTS)
    @settings(max_examples=50)
    def test_what_was_sealed_comes_back_and_cannot_be_seen(self, text):
        sealed = sealing.seal(text, "row 1")
        assert sealing.unseal(sealed, "row 1") == text
        assert len(text) < 8 or text not in sealed
        assert sealed.isascii()


def test_a_text_does_not_open_in_another_row():
    sealed = sealing.seal("s3cret", "row 1")
    with pytest.raises(DecryptionFailed):
        sealing.unseal(sealed, "row 2")


@pytest.mark.parametrize("text", ["", "x", "gAAAAA", "[]", "[1, 2, 3]", '["k1", "%", "%"]', "{}"])
def test_any_other_text_is_refused(text):
    with pytest.raises(DecryptionFailed):
        sealing.unseal(text, "row 1")


def test_every_table_that_stores_sealed_texts_is_registered():
    assert set(sealing.columns.names()) == {
        "aethercrown.IdempotencyRecord.sealed",
        "enterprise.IssuedKeySecret.sealed",
        "operations.AddressHashKey.sealed_key",
        "mfa.Authenticator.data",
        "operations.Destination.sealed_secret",
        "security.ManagedSecret.sealed_first_digest",
        *(each.name for each in sealed_columns()),
    }
