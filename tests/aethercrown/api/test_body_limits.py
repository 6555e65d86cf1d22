"""What a request may weigh, and what its JSON may hold."""

import json
from contextlib import suppress
from decimal import Decimal
from io import BytesIO

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import exceptions

from aethercrown.api import body_limits
from aethercrown.api.errors import InvalidRequest
from operations.imports.services.draft import MAX_FILE_BYTES

wire = [pytest.mark.urls("tests.aethercrown.odd_urls"), pytest.mark.django_db]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=12,
)


def problems(text):
    with pytest.raises(InvalidRequest) as caught:
        body_limits.parse_object(text)
    return [(each["field"], each["code"]) for each in caught.value.problems]


@given(st.dictionaries(st.sampled_from(["x", "y"]), values))
def test_what_any_rows_can_hold_comes_through_unchanged(content):
    assert body_limits.parse_object(json.dumps(content)) == content


@given(st.text(max_size=60))
def test_any_text_is_an_object_or_refused(text):
    with suppress(exceptions.ParseError, InvalidRequest):
        assert isinstance(body_limits.parse_object(text), dict)


@given(st.binary(max_size=60))
def test_any_bytes_are_an_object_or_refused(content):
    with suppress(exceptions.ParseError, InvalidRequest):
        assert isinstance(body_limits.StrictJSONParser().parse(BytesIO(content)), dict)


def test_a_fraction_stays_exact():
    content = body_limits.parse_object('{"a": 0.1, "b": 12345678901234.56, "c": 7, "d": 1E2}')
    assert content == {
        "a": Decimal("0.1"),
        "b": Decimal("12345678901234.56"),
        "c": 7,
        "d": Decimal(100),
    }
    assert isinstance(content["c"], int)


def test_a_number_too_small_for_a_float_is_zero():
    assert body_limits.parse_object('{"a": 1e-99999999999999999999}') == {"a": 0}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_a_number_without_end_is_refused_with_its_path(number):
    text = f'{{"rows": [{{"spend": 1}}, {{"spend": {number}}}]}}'
    assert problems(text) == [("rows[1].spend", "not_finite")]


@pytest.mark.parametrize("number", ["9" * 5_000, "1." + "9" * 5_000])
def test_a_number_of_5000_digits_is_refused(number):
    assert problems(f'{{"a": {number}}}') == [("a", "too_long")]


def test_a_name_twice_in_an_object_is_refused():
    assert problems('{"a": {"b": 1, "c": 2, "b": 3}}') == [("a.b", "repeated")]


def test_what_a_database_cannot_hold_is_refused():
    text = r'{"a": "x\u0000y", "b": ["\ud800"], "\u0000": 1, "fine": "\ud83d\ude00"}'
    assert problems(text) == [
        ("a", "null_character"),
        ("b[0]", "lone_surrogate"),
        ("", "null_character"),
    ]


def test_every_fault_is_listed_at_once():
    assert len(problems('{"a": NaN, "b": 1e999, "c": "\\u0000\\udfff"}')) == 4


def test_twenty_levels_are_taken_and_one_more_is_not():
    body_limits.parse_object('{"a":' + "[" * 19 + "]" * 19 + "}")
    with pytest.raises(exceptions.ParseError, match="20 levels"):
        body_limits.parse_object('{"a":' + "[" * 20 + "]" * 20 + "}")


@pytest.mark.parametrize("text", ["[" * 500_000, '{"a":' * 100_000])
def test_a_bottomless_body_is_refused(text):
    with pytest.raises(exceptions.ParseError):
        body_limits.parse_object(text)


@pytest.mark.parametrize("text", ["[1]", "5", '"x"', "null", "true"])
def test_only_an_object_stands_at_the_top(text):
    with pytest.raises(exceptions.ParseError, match="must be a JSON object"):
        body_limits.parse_object(text)


@pytest.mark.parametrize("content", [b"", b"  \n", b"{}", b"\xef\xbb\xbf{}"])
def test_no_body_is_an_empty_object(content):
    assert body_limits.StrictJSONParser().parse(BytesIO(content)) == {}


def test_only_utf_8_is_read():
    with pytest.raises(exceptions.ParseError, match="byte 6"):
        body_limits.StrictJSONParser().parse(BytesIO('{"a":"é"}'.encode("latin-1")))
    with pytest.raises(exceptions.UnsupportedMediaType):
        body_limits.StrictJSONParser().parse(BytesIO(b"{}"), "application/json; charset=latin-1")
    plain = body_limits.StrictJSONParser().parse(
        BytesIO(b"{}"), 'application/json; charset="UTF-8"'
    )
    assert plain == {}


def test_a_packed_body_is_not_read():
    request = RequestFactory().post("/api/v1/x", headers={"Content-Encoding": "gzip"})
    with pytest.raises(exceptions.UnsupportedMediaType):
        body_limits.StrictJSONParser().parse(
            BytesIO(b"{}"), "application/json", {"request": request}
        )


def test_a_form_without_a_field_is_an_empty_body_and_any_other_is_refused():
    parser = body_limits.EmptyFormParser()
    assert parser.parse(BytesIO(b"--mark--\r\n"), "multipart/form-data; boundary=mark") == {}
    assert parser.parse(BytesIO(b"")) == {}
    for content in (b"--mark\r\nContent-Disposition: form-data; name=a\r\n\r\n1", b"a=1"):
        with pytest.raises(exceptions.UnsupportedMediaType):
            parser.parse(BytesIO(content))


@pytest.mark.parametrize(
    ("sent", "stated", "left"),
    [
        (200_000, 200_000, 0),
        (200_000, 300_000, 0),
        (9, 5, 4),
        (9, body_limits.MAX_DISCARDED_BYTES + 1, 9),
    ],
)
def test_what_is_too_large_is_taken_in_so_that_its_sender_hears_why(sent, stated, left):
    stream = BytesIO(b" " * sent)
    body_limits.discard_body(stream, stated)
    assert len(stream.read()) == left


class TestOnTheWire:
    pytestmark = wire

    def test_a_body_over_the_limit_is_refused_by_its_stated_length(self, caller):
        answer = caller.send("/api/v1/checked", b" " * (body_limits.MAX_BODY_BYTES + 1))
        assert answer.status_code == 413
        assert "2,097,152" in answer.json()["message"]

    def test_a_body_at_the_limit_is_read(self, caller):
        body = b'{"total": 5}'
        answer = caller.send(
            "/api/v1/checked", body + b" " * (body_limits.MAX_BODY_BYTES - len(body))
        )
        assert answer.status_code == 200

    @pytest.mark.parametrize("length", ["9" * 30, "9" * 8])
    def test_a_length_that_lies_high_is_believed(self, caller, length):
        answer = caller.send("/api/v1/checked", b"{}", CONTENT_LENGTH=length)
        assert answer.status_code == 413

    def test_a_length_that_lies_low_gives_a_cut_body(self, caller):
        answer = caller.send("/api/v1/checked", b'{"total": 5}', CONTENT_LENGTH="5")
        assert answer.status_code == 400

    @pytest.mark.parametrize("length", ["-5", "many", "1²"])
    def test_a_length_that_is_none_is_refused(self, caller, length):
        answer = caller.send("/api/v1/checked", b"{}", CONTENT_LENGTH=length)
        assert answer.json()["errors"][0]["code"] == "bad_length"

    def chunked(self, caller, content):
        return caller.generic(
            "POST",
            "/api/v1/checked",
            headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
            CONTENT_LENGTH="",
            **{"wsgi.input": BytesIO(content)},
        )

    def test_a_chunked_body_is_read(self, caller):
        answer = self.chunked(caller, b'{"total": 5}')
        assert answer.json()["data"] == {"total": 5}

    def test_a_chunked_body_over_the_limit_is_refused(self, caller):
        assert self.chunked(caller, b" " * (body_limits.MAX_BODY_BYTES + 1)).status_code == 413

    def test_an_upload_of_a_page_is_none_of_our_business(self, caller):
        assert caller.post("/x", {"a": "b" * (body_limits.MAX_BODY_BYTES + 1)}).status_code == 404

    def test_a_call_without_https_is_refused_where_https_is_demanded(self, settings, caller):
        settings.SECURE_SSL_REDIRECT = True
        answer = caller.get("/api/v1/replies")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "https_required")
        assert caller.get("/api/v1/replies", secure=True).status_code == 200
        assert caller.get("/broken").status_code == 301

    @pytest.mark.parametrize("path", ["/api/v1/effect/%00", "/api/v1/replies?cursor=%00"])
    def test_a_null_character_in_the_address_is_refused(self, caller, path):
        assert caller.get(path).json()["errors"][0]["code"] == "null_character"

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""]
    )
    def test_only_json_is_spoken(self, caller, kind):
        answer = caller.send("/api/v1/checked", '{"total": 5}', content_type=kind)
        assert answer.status_code == 415

    def test_a_form_with_a_field_is_refused(self, caller):
        assert caller.post("/api/v1/checked", {"total": 5}).status_code == 415

    def test_an_empty_form_is_an_empty_body(self, caller):
        assert caller.post("/api/v1/effect").status_code == 201

    def test_a_view_that_ignores_its_body_still_refuses_a_bad_one(self, caller):
        assert caller.send("/api/v1/effect", "{").status_code == 400


class Endless:
    """A body that nobody may read whole."""

    def __init__(self):
        self.read_bytes = 0

    def read(self, size=-1):
        assert size >= 0
        self.read_bytes += size
        return b"x" * size

    readline = read


def test_a_form_over_the_limit_is_refused_before_it_is_written_to_the_disk(client, settings):
    settings.SECURE_SSL_REDIRECT = False
    for length in (body_limits.MAX_FORM_BYTES + 1, 10**14, 10**40):
        body = Endless()
        given = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "wsgi.input": body}
        answer = client.generic("POST", "/login", **given, CONTENT_LENGTH=str(length))
        assert answer.status_code == 413, length
        assert "22,020,096 bytes" in answer.content.decode()
        assert body.read_bytes <= body_limits.MAX_DISCARDED_BYTES
    assert body_limits.MAX_FORM_BYTES > MAX_FILE_BYTES
