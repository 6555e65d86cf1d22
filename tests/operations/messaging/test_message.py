"""Titles, bodies and ids that every receiver takes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from operations.messaging import message


@given(st.text())
def test_a_title_is_one_line_of_bounded_length(title):
    line = message.subject_line(title)
    assert len(line) <= message.MAX_TITLE_CHARACTERS
    assert len(line.splitlines()) <= 1


def test_a_body_has_the_same_bytes_at_every_try():
    first = message.webhook_body({"b": 1, "a": {"d": "é", "c": 2}}, "key")
    assert first == message.webhook_body({"a": {"c": 2, "d": "é"}, "b": 1}, "key")
    assert json.loads(first) == {"id": "key", "a": {"c": 2, "d": "é"}, "b": 1}


def test_a_message_id_names_the_event_in_letters_that_mail_allows():
    written = message.mail_message_id("alert:12:high:email:3", "example.org")
    assert written == "<alert.12.high.email.3@example.org>"
