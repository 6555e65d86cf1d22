"""Whatever a request shows as its key: read, refused, or left alone; the database is not asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from security.apikeys import api, token

FACTORY = APIRequestFactory()
HEADER = st.text(st.characters(max_codepoint=255), max_size=120)
SCHEMES = st.sampled_from(["Bearer", "bearer", "BEARER", "Basic", "Token", ""])
KEYS = st.binary(min_size=32, max_size=32).map(
    lambda made: token.generate("ac", lambda _size: made)
)


def request(query="", **headers):
    return Request(FACTORY.get(f"/?{query}", **headers))


@given(authorization=HEADER, own=HEADER | st.none())
def test_any_headers_are_read_or_refused(authorization, own):
    more = {} if own is None else {"HTTP_X_API_KEY": own}
    try:
        text = api.key_of(request(HTTP_AUTHORIZATION=authorization, **more))
    except AuthenticationFailed as error:
        assert "different keys" in str(error)  # noqa: PT017 - most texts raise nothing
    else:
        assert text is None or text == text.strip()


@given(key=KEYS, scheme=SCHEMES, space=st.sampled_from([" ", "  ", " \t"]))
def test_a_key_is_found_behind_bearer_however_it_is_written(key, scheme, space):
    text = api.key_of(request(HTTP_AUTHORIZATION=f"{scheme}{space}{key}"))
    assert text == (key if scheme.lower() == "bearer" else None)


@given(one=KEYS, other=KEYS)
def test_two_headers_say_the_same_or_are_refused(one, other):
    both = request(HTTP_AUTHORIZATION=f"Bearer {one}", HTTP_X_API_KEY=other)
    if one == other:
        assert api.key_of(both) == one
    else:
        with pytest.raises(AuthenticationFailed):
            api.key_of(both)


@given(text=HEADER.filter(lambda text: not token.is_well_formed(text.strip())))
def test_what_is_no_key_is_refused_and_no_query_is_made(text):
    with pytest.raises(AuthenticationFailed):
        api.KeyAuthentication().authenticate(request(HTTP_X_API_KEY=text))


@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
def test_any_query_is_looked_through(query):
    assert api.has_key_in_query(request(query)) in {True, False}


@given(key=KEYS, name=st.sampled_from(["q", "note", "x"]), around=st.sampled_from(["", "a ", "-"]))
def test_a_key_under_any_name_in_the_address_is_noticed(key, name, around):
    assert api.has_key_in_query(Request(FACTORY.get("/", {name: f"{around}{key}"})))


@given(key=KEYS, data=st.data())
def test_no_edit_of_a_key_is_a_key(key, data):
    """One letter put in, left out, or changed places with its neighbour."""
    place = data.draw(st.integers(0, len(key) - 2))
    letter = data.draw(st.sampled_from(token.ALPHABET))
    longer, shorter = key[:place] + letter + key[place:], key[:place] + key[place + 1 :]
    swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
    for edited in {longer, shorter, swapped} - {key}:
        assert not token.is_well_formed(edited)
