"""Merge fields: declared, filled in, or the mail is stopped."""

import pytest

from operations.messaging.outside import merge_fields
from operations.messaging.outside.merge_fields import MissingValue

TEXT = 'Dear {{ name|default:"customer" }}, {{number}} is due on {{ due }}.'


def test_fields_are_replaced_and_an_empty_one_takes_its_default():
    given = {"name": " ", "number": "INV-1", "due": "5 May"}
    assert merge_fields.filled(TEXT, given) == "Dear customer, INV-1 is due on 5 May."
    assert merge_fields.filled('{{ a|default:"" }}|', {}) == "|"


def test_a_field_without_a_value_stops_the_mail_and_is_named_once():
    with pytest.raises(MissingValue, match=r"no value for number, due\.$"):
        merge_fields.filled(f"{TEXT} {{{{ due }}}}", {"name": "Ada", "due": ""})


def test_a_value_is_text_and_never_read_as_a_field_or_a_header():
    filled = merge_fields.filled("{{ a }}", {"a": "{{ b }}\r\x00\nBcc: x"})
    assert filled == "{{ b }}\nBcc: x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ other }} {{ name }}", "There is no field other. Known: due, name, number."),
        ("{{ Name }}", "Write a field as"),
        ("{{ name", "Write a field as"),
        ("name }}", "Write a field as"),
        ("{{ name|upper }}", "Write a field as"),
    ],
)
def test_what_a_kind_does_not_declare_is_refused(text, said):
    assert [
        each[: len(said)] for each in merge_fields.problems(text, {"name", "number", "due"})
    ] == [said]


def test_a_good_template_has_no_problems():
    assert merge_fields.problems(TEXT, {"name", "number", "due"}) == []
