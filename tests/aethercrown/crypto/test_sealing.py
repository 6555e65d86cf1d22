"""Secrets at rest can be read with the platform's own key, and not otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.crypto import sealing


@given(secret=st.text(st.characters(codec="utf-8"), max_size=50))
def test_what_was_sealed_comes_back_and_cannot_be_seen(secret):
    token = sealing.seal(secret, "key")
    assert sealing.opened(token, "key") == secret
    assert len(secret) < 8 or secret not in token


@pytest.mark.parametrize(
    "token",
    ["", "x", "gAAAAA", pytest.param(sealing.seal("a", "other"), id="sealed under another key")],
)
def test_another_key_or_a_changed_token_is_told(token):
    with pytest.raises(sealing.Unreadable, match="another ALERT_SEALING_KEY"):
        sealing.opened(token, "key")
