"""Kinds of mail check their own texts; locales go from the narrow to the wide."""

import pytest

from operations.messaging.outside.mail_kinds import MailKind, MailPurpose, locale_chain


def test_a_kind_with_an_undeclared_field_cannot_be_made():
    with pytest.raises(ValueError, match="offer: There is no field plan"):
        MailKind("offer", "Offer", MailPurpose.MARKETING, {"name": "who"}, "Hi", "{{ plan }}")


def test_a_kind_is_wanted_and_has_no_attachment_unless_it_says_otherwise():
    kind = MailKind("a", "A", MailPurpose.SERVICE, {}, "A", "A")
    assert (kind.unwanted("a:1"), kind.attach("a:1")) == ("", None)


@pytest.mark.parametrize(
    ("locale", "chain"), [("de_AT", ["de-at", "de", ""]), ("fr", ["fr", ""]), ("", [""])]
)
def test_the_narrowest_locale_comes_first(locale, chain):
    assert locale_chain(locale) == chain
