import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.apikeys import token

LETTERS = st.sampled_from(token.ALPHABET)


def test_a_key_of_zeros_is_the_one_written_out_here():
    text = token.generate("ac", bytes)
    assert text[: -token.CHECKSUM_DIGITS] == "ac_live_" + "0" * 43
    assert token.is_well_formed(text)


def test_the_largest_random_number_still_fits():
    text = token.generate("ac", lambda size: b"\xff" * size)
    assert len(text) == len("ac_live_") + 43 + 6
    assert token.is_well_formed(text)


@given(st.binary(min_size=32, max_size=32), st.from_regex(token.PREFIX, fullmatch=True))
def test_every_minted_key_is_genuine_and_found_by_the_scanner(randomness, prefix):
    text = token.generate(prefix, lambda size: randomness)
    assert token.is_well_formed(text)
    assert re.search(token.PATTERN, f"curl -H 'X-API-Key: {text}'")


@given(st.binary(min_size=32, max_size=32), st.integers(8, 56), LETTERS)
def test_one_mistyped_letter_is_noticed(randomness, place, letter):
    text = token.generate("ac", lambda size: randomness)
    mistyped = text[:place] + letter + text[place + 1 :]
    assert token.is_well_formed(mistyped) is (mistyped == text)


@given(st.text(max_size=80))
def test_any_other_text_is_refused_without_an_error(text):
    assert not token.is_well_formed(text)


@pytest.mark.parametrize(
    "change", [str.upper, str.lower, lambda text: text + "\n", lambda text: " " + text]
)
def test_a_key_with_anything_around_or_in_another_case_is_refused(change):
    assert not token.is_well_formed(change(token.generate("ac", lambda size: bytes(range(size)))))


@pytest.mark.parametrize("prefix", ["", "AC", "a_c", "1a", "a" * 13, "é"])
def test_a_prefix_that_would_break_the_form_is_refused(prefix):
    with pytest.raises(ValueError, match="API_KEY_PREFIX"):
        token.generate(prefix)


def test_two_keys_differ():
    assert token.generate("ac") != token.generate("ac")


def test_the_digest_depends_on_the_pepper_and_is_an_hmac():
    assert token.digest("what do ya want for nothing?", "Jefe") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"  # RFC 4231, case 2
    )
    assert token.digest("a", "p") != token.digest("a", "q")
