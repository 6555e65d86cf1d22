"""Anchors hold every stream's end; none is changed, left out or put elsewhere unnoticed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.audit import anchors
from security.audit.chain import GENESIS, encode
from security.audit.verify import StreamEnd

KEY = "k" * 40


def run(*moves):
    """Anchors, each after the one before; a move is (kind, {stream: seq})."""
    seals: list[anchors.AnchorRecord] = []
    for kind, ends in moves:
        moved = {stream: StreamEnd(seq, f"{stream}{seq}") for stream, seq in ends.items()}
        before = {} if kind == anchors.RESTORED else anchors.latest_ends(seals)
        whole = {**before, **moved}
        previous = seals[-1].mac if seals else GENESIS
        seal = anchors.AnchorRecord(
            number=len(seals) + 1,
            at="2026-11-22T12:00:00+00:00",
            kind=kind,
            streams=len(whole),
            root=anchors.root(whole),
            ends=encode(moved),
            previous=previous,
        )
        seals.append(anchors.signed(seal, KEY))
    return seals


HOURLY = anchors.HOURLY
SEALS = run((HOURLY, {"a": 1, "b": 4}), (HOURLY, {"a": 3}), (HOURLY, {"c": 1}))


def test_a_good_run_has_no_fault_and_says_how_far_streams_came():
    assert anchors.faults(SEALS, KEY) == anchors.faults([], KEY) == []
    assert anchors.latest_ends(SEALS) == {
        "a": StreamEnd(3, "a3"),
        "b": StreamEnd(4, "b4"),
        "c": StreamEnd(1, "c1"),
    }
    assert anchors.anchored_hashes(SEALS) == {
        "a": {1: "a1", 3: "a3"},
        "b": {4: "b4"},
        "c": {1: "c1"},
    }


def test_an_anchor_is_read_from_its_line():
    assert anchors.from_line(SEALS[1].line()) == SEALS[1]
    for line in ("", "{}", "[1]", '{"a":1}'):
        with pytest.raises(ValueError, match=r"no anchor|Expecting"):
            anchors.from_line(line)


@pytest.mark.parametrize(
    ("seals", "words"),
    [
        (SEALS[1:], "anchor 1 is missing"),
        ([SEALS[0], SEALS[2]], "anchor 2 is missing"),
        ([replace(SEALS[0], streams=9), *SEALS[1:]], "anchor 1 does not fit its MAC"),
        ([SEALS[0], run((HOURLY, {}), (HOURLY, {"a": 2}))[1]], "anchor 2 does not follow anchor 1"),
        (
            [anchors.signed(replace(SEALS[0], root="0"), KEY)],
            "anchor 1 has a root that",
        ),
    ],
)
def test_the_first_bad_anchor_is_named(seals, words):
    (fault,) = anchors.faults(seals, KEY)
    assert fault.startswith(words)


def test_another_key_is_no_key():
    assert anchors.faults(SEALS, "other") != []


def test_a_restoration_voids_what_went_beyond_it():
    seals = run((HOURLY, {"a": 3, "b": 4}), (HOURLY, {"a": 9}), (anchors.RESTORED, {"a": 5}))
    assert anchors.faults(seals, KEY) == []
    assert anchors.latest_ends(seals) == {"a": StreamEnd(5, "a5")}
    assert anchors.anchored_hashes(seals) == {"a": {3: "a3", 5: "a5"}}


ENDS = st.dictionaries(
    st.text(max_size=3), st.builds(StreamEnd, st.integers(1, 99), st.text()), min_size=1
)


@given(one=ENDS, other=ENDS)
def test_different_ends_have_different_roots(one, other):
    assert (anchors.root(one) == anchors.root(other)) == (one == other)
