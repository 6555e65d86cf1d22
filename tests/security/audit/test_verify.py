"""Whatever is done to a chain is found, at its first place and by its kind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.audit.chain import GENESIS, ChainEntry, link_hash
from security.audit.verify import (
    EMPTY_STREAM,
    Link,
    StreamEnd,
    hash_matches,
    nearby,
    original_place,
)
from tests.security.audit.tampering import first_fault

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def said(seq, **changes):
    at = NOON + timedelta(seconds=seq)
    return replace(ChainEntry("admin", seq, at, "e", f"s{seq}", "user:anna", "{}"), **changes)


def chained(entries):
    previous, links = GENESIS, []
    for entry in entries:
        links.append(Link(100 + entry.seq, entry, previous, link_hash(previous, entry)))
        previous = links[-1].hash
    return links


LINKS = chained(said(seq) for seq in range(1, 9))
END = StreamEnd(8, LINKS[-1].hash)


def found(links, end=END, known=None):
    fault = first_fault("admin", links, end, known)
    return fault and (fault.kind, fault.seq)


def swapped(links, first, second):
    """Two rows exchange what they say, and keep their numbers."""
    out = list(links)
    one, two = out[first - 1], out[second - 1]
    out[first - 1] = two._replace(entry=replace(two.entry, seq=first))
    out[second - 1] = one._replace(entry=replace(one.entry, seq=second))
    return out


def test_a_whole_stream_has_no_fault():
    assert found(LINKS, END, {3: LINKS[2].hash}) is None
    assert found([], EMPTY_STREAM) is None


def test_an_altered_entry_is_named():
    altered = [*LINKS[:4], LINKS[4]._replace(entry=said(5, actor="user:bob")), *LINKS[5:]]
    fault = first_fault("admin", altered, END)
    assert str(fault) == "altered: admin 5 (row 105): it does not fit its hash"


def test_an_entry_written_anew_with_its_hash_is_named():
    entry = said(5, actor="user:bob")
    anew = Link(105, entry, LINKS[3].hash, link_hash(LINKS[3].hash, entry))
    assert found([*LINKS[:4], anew, *LINKS[5:]]) == ("rewritten", 5)
    assert found([*LINKS[:4], anew], StreamEnd(5, LINKS[4].hash)) == ("rewritten", 5)


def test_missing_entries_are_named():
    fault = first_fault("admin", [*LINKS[:2], *LINKS[4:]], END)
    assert str(fault) == "missing: admin 3: 2 entries are not there"
    assert found(LINKS[1:]) == ("missing", 1)
    assert found([*LINKS[:6], LINKS[7]]) == ("missing", 7)


def test_inserted_entries_are_named():
    other = Link(
        900, said(4, subject="x"), LINKS[2].hash, link_hash(LINKS[2].hash, said(4, subject="x"))
    )
    assert found([*LINKS[:4], other, *LINKS[4:]]) == ("inserted", 4)
    after = chained([*(each.entry for each in LINKS), said(9)])
    assert found(after) == ("inserted", 9)
    first = Link(901, said(1), "f" * 64, link_hash("f" * 64, said(1)))
    assert found([first]) == ("inserted", 1)


def test_two_entries_that_changed_places_are_known_by_where_they_belong():
    out = swapped(LINKS, 3, 6)
    assert found(out) == ("altered", 3)
    assert original_place(out[2], nearby(3, 8)) == 6
    assert original_place(out[2]._replace(hash="x"), nearby(3, 8)) is None


def test_a_renumbered_entry_is_named():
    odd = LINKS[4]._replace(entry=said(50))
    assert found([*LINKS[:4], *LINKS[5:], odd]) == ("missing", 5)
    assert found([*LINKS[:4], odd]) == ("altered", 5)


def test_a_cut_tail_is_found_by_the_end_and_by_an_anchor():
    assert found(LINKS[:6]) == ("cut", 7)
    end = StreamEnd(6, LINKS[5].hash)
    assert found(LINKS[:6], end) is None
    assert found(LINKS[:6], end, {8: LINKS[7].hash}) == ("cut", 7)


def test_a_chain_written_anew_from_somewhere_is_found_by_an_anchor():
    anew = chained(
        [*(said(seq) for seq in range(1, 5)), *(said(seq, actor="x") for seq in range(5, 9))]
    )
    end = StreamEnd(8, anew[-1].hash)
    assert found(anew, end) is None
    assert found(anew, end, {3: LINKS[2].hash, 7: LINKS[6].hash}) == ("rewritten", 4)


@pytest.mark.parametrize("at", [None, "yesterday", NOON.replace(tzinfo=None)])
def test_what_cannot_be_read_is_not_genuine(at):
    assert not hash_matches(LINKS[0]._replace(entry=said(1, at=at)))


CHANGES = st.sampled_from(["stream", "event", "subject", "actor", "detail"])


@given(place=st.integers(1, 8), name=CHANGES, text=st.text(max_size=5))
def test_no_change_of_a_text_is_missed(place, name, text):
    entry = replace(LINKS[place - 1].entry, **{name: text})
    links = [*LINKS[: place - 1], LINKS[place - 1]._replace(entry=entry), *LINKS[place:]]
    assert found(links) == (None if entry == LINKS[place - 1].entry else ("altered", place))


@given(order=st.permutations(LINKS), count=st.integers(0, 8))
def test_only_the_true_order_and_number_is_whole(order, count):
    links = order[:count]
    assert (found(links) is None) == (links == LINKS)
