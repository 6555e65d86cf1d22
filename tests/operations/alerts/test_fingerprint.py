"""Which alerts a silence means."""

from hypothesis import given
from hypothesis import strategies as st

from operations.alerts.fingerprint import Fingerprint
from operations.alerts.services import _escape_pattern

WORDS = st.text(max_size=20)


@given(WORDS, WORDS, WORDS)
def test_stars_match_everything(source, kind, subject):
    assert Fingerprint(source, kind, subject).matches("*", "*", "*")


@given(WORDS, WORDS)
def test_an_escaped_pattern_matches_itself_and_nothing_else(subject, other):
    known = Fingerprint("a", "b", subject)
    assert known.matches("a", "b", _escape_pattern(subject))
    assert Fingerprint("a", "b", other).matches("a", "b", _escape_pattern(subject)) == (
        other == subject
    )


def test_all_three_must_fit():
    known = Fingerprint("health", "down", "db-1")
    assert known.matches("health", "d*", "db-?")
    assert not known.matches("health", "d*", "db")
    assert not known.matches("x", "*", "*")
    assert not known.matches("*", "up", "*")
