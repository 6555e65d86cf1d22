"""Which alerts a silence matches."""

from hypothesis import given
from hypothesis import strategies as st

from operations.alerts.models import Alert, Silence
from operations.alerts.services import _escape_pattern

WORDS = st.text(max_size=20)


def matches(alert, *patterns):
    fields = ("source", "kind", "subject")
    silence = Silence(**dict(zip(fields, patterns, strict=True)))
    return silence.matches(Alert(**dict(zip(fields, alert, strict=True))))


@given(WORDS, WORDS, WORDS)
def test_stars_match_everything(source, kind, subject):
    assert matches((source, kind, subject), "*", "*", "*")


@given(WORDS, WORDS)
def test_an_escaped_pattern_matches_itself_and_nothing_else(subject, other):
    pattern = _escape_pattern(subject)
    assert matches(("a", "b", subject), "a", "b", pattern)
    assert matches(("a", "b", other), "a", "b", pattern) == (other == subject)


def test_all_three_must_fit():
    known = ("health", "down", "db-1")
    assert matches(known, "health", "d*", "db-?")
    assert not matches(known, "health", "d*", "db")
    assert not matches(known, "x", "*", "*")
    assert not matches(known, "*", "up", "*")
