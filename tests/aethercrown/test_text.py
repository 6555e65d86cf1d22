import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from aethercrown.text import (
    MAX_CHARACTERS,
    last_line,
    path_segment,
    segment_name,
    sentence_case,
    storable_json,
    storable_text,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_what_json_cannot_hold_becomes_text():
    value = {
        1: [float("nan"), 1.5, True, None, 3],
        "when": NOON,
        "nul": "a\0b",
        "half": "\ud800",
    }
    assert storable_json(value) == {
        "1": ["nan", 1.5, True, None, 3],
        "when": str(NOON),
        "nul": "ab",
        "half": "?",
    }


@given(st.text(min_size=10, max_size=50))
def test_a_long_text_keeps_its_beginning_and_its_end(text):
    kept = storable_text(text * MAX_CHARACTERS)
    assert len(kept) <= MAX_CHARACTERS + 10
    json.dumps(kept).encode()


def test_the_last_line_of_a_traceback_is_its_error():
    assert last_line("Traceback:\n  ...\nValueError: no\n") == "ValueError: no"
    assert last_line(" ") == "no reason recorded"


@given(st.sampled_from([".", ".."]) | st.text(min_size=1))
def test_a_name_is_one_segment_of_a_path_that_a_browser_keeps(name):
    segment = path_segment(name.encode("utf-8", "replace").decode())
    assert "/" not in segment
    assert segment not in {".", ".."}
    assert segment_name(segment if segment.startswith("id:") else name) == name


def test_a_state_begins_with_a_capital_and_keeps_the_rest():
    assert [sentence_case(each) for each in ("rolled back", "API key", "")] == [
        "Rolled back",
        "API key",
        "",
    ]
