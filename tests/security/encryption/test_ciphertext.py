from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.crypto.keyring import DecryptionFailed, Keyring, UnknownKek
from security.encryption import ciphertext
from security.encryption.ciphertext import EncryptionContext

KEYRING = Keyring("k2", {"k2": b"2" * 32, "k1": b"1" * 32})
OLD = Keyring("k1", {"k1": b"1" * 32})
CONTEXT = EncryptionContext(UUID(int=7), 1, "database")
secrets = st.text(max_size=200)
contexts = st.builds(EncryptionContext, st.uuids(), st.integers(1, 9), st.text(max_size=20))


def changed(sealed, name, raw):
    parts = {"wrapped": sealed.wrapped, "sealed": sealed.sealed, name: raw}
    return ciphertext.Ciphertext(sealed.kek_id, parts["wrapped"], parts["sealed"])


@given(secrets, contexts)
def test_what_is_sealed_opens_in_its_place_only(secret, context):
    sealed = ciphertext.seal(secret, context, KEYRING)
    assert ciphertext.unseal(sealed, context, KEYRING) == secret
    for other in (
        replace(context, owner=uuid4()),
        replace(context, number=context.number + 1),
        replace(context, kind=context.kind + "x"),
    ):
        with pytest.raises(DecryptionFailed):
            ciphertext.unseal(sealed, other, KEYRING)


@given(secrets, st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(["wrapped", "sealed"]))
def test_a_changed_bit_is_noticed(secret, at, bits, name):
    sealed = ciphertext.seal(secret, CONTEXT, KEYRING)
    raw = bytearray(getattr(sealed, name))
    raw[at % len(raw)] ^= bits
    with pytest.raises(DecryptionFailed):
        ciphertext.unseal(changed(sealed, name, bytes(raw)), CONTEXT, KEYRING)


@pytest.mark.parametrize("name", ["wrapped", "sealed"])
@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_stump_is_noticed(name, length):
    sealed = ciphertext.seal("secret", CONTEXT, KEYRING)
    with pytest.raises(DecryptionFailed):
        ciphertext.unseal(changed(sealed, name, getattr(sealed, name)[:length]), CONTEXT, KEYRING)


def test_a_wrap_under_another_name_does_not_open():
    sealed = replace(ciphertext.seal("secret", CONTEXT, OLD), kek_id="k2")
    same = Keyring("k2", {"k2": b"1" * 32})
    with pytest.raises(DecryptionFailed):
        ciphertext.unseal(sealed, CONTEXT, same)


@given(secrets)
def test_rewrapping_leaves_the_ciphertext_and_needs_the_old_kek_no_more(secret):
    old = ciphertext.seal(secret, CONTEXT, OLD)
    new = ciphertext.rewrap(old, CONTEXT, KEYRING)
    assert (new.sealed, new.kek_id) == (old.sealed, "k2")
    assert ciphertext.unseal(new, CONTEXT, Keyring("k2", {"k2": b"2" * 32})) == secret


def test_without_its_kek_the_missing_one_is_named():
    with pytest.raises(UnknownKek, match="'k2', and ENCRYPTION_KEYS names only k1"):
        ciphertext.unseal(ciphertext.seal("secret", CONTEXT, KEYRING), CONTEXT, OLD)


def test_two_seals_share_nothing():
    first, second = (ciphertext.seal("secret", CONTEXT, KEYRING) for _ in range(2))
    assert first.sealed != second.sealed
    assert first.wrapped != second.wrapped
    assert b"secret" not in first.sealed


@given(secrets)
def test_a_ciphertext_is_stored_as_text_too(secret):
    sealed = ciphertext.seal(secret, CONTEXT, KEYRING)
    assert ciphertext.from_text(sealed.to_text()) == sealed
