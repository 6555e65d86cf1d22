"""Find the first fault of a stream: altered, missing, inserted, rewritten or cut. Pure.

The links are given in the order of their numbers. What the chain alone cannot show, such as a tail
cut off together with the stream's end, is found by `known`: hashes that anchors hold elsewhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from security.audit.chain import GENESIS, ChainEntry, link_hash


class Link(NamedTuple):
    """One stored event: its row, its entry, and its two hashes."""

    row: int
    entry: ChainEntry
    previous: str
    hash: str


class StreamEnd(NamedTuple):
    """The number and the hash of a stream's last event."""

    seq: int
    hash: str


EMPTY_STREAM = StreamEnd(0, GENESIS)


@dataclass(frozen=True, slots=True)
class AuditFault:
    """The first wrong place: altered, missing, inserted, reordered, rewritten or cut."""

    kind: str
    stream: str
    seq: int
    message: str
    row: int | None = None

    def __str__(self) -> str:
        row = "" if self.row is None else f" (row {self.row})"
        return f"{self.kind}: {self.stream} {self.seq}{row}: {self.message}"


@dataclass(slots=True)
class StreamVerifier:
    """Verifies a stream link by link; `at` is how far it is right."""

    stream: str
    known: Mapping[int, str] = field(default_factory=dict)
    at: StreamEnd = EMPTY_STREAM
    row: int | None = None

    def check_next(self, found: Link) -> AuditFault | None:
        """Verify the next link; the fault in it, or in the link before."""
        wanted = self.at.seq + 1
        is_good = hash_matches(found)
        is_next = found.entry.seq == wanted
        if is_good and is_next and found.previous != self.at.hash:
            return self._broken(found)
        fault = self._unlike_anchor()
        if fault is not None:
            return fault
        if not is_next:
            return self._misplaced(found, wanted)
        if not is_good:
            return AuditFault("altered", self.stream, wanted, "it does not fit its hash", found.row)
        self.at, self.row = StreamEnd(wanted, found.hash), found.row
        return None

    def finish(self, end: StreamEnd) -> AuditFault | None:
        """Compare with the stream's stored end and with the anchors, after the last link."""
        last = self.at.seq
        furthest = max(self.known, default=0)
        if end.seq > last:
            return AuditFault(
                "cut", self.stream, last + 1, f"the stream's end says {end.seq} entries"
            )
        if end.seq < last:
            words = f"the stream's end says {end.seq} entries"
            return AuditFault("inserted", self.stream, end.seq + 1, words, self.row)
        if end.hash != self.at.hash:
            return AuditFault(
                "rewritten", self.stream, last, "it is not the stream's end", self.row
            )
        fault = self._unlike_anchor()
        if fault is None and furthest > last:
            return AuditFault("cut", self.stream, last + 1, f"an anchor holds entry {furthest}")
        return fault

    def _misplaced(self, found: Link, wanted: int) -> AuditFault:
        seq = found.entry.seq
        if not hash_matches(found):
            words = f"it says {seq} in the place of {wanted}"
            return AuditFault("altered", self.stream, wanted, words, found.row)
        if seq > wanted:
            count = seq - wanted
            words = f"{count} {'entry is' if count == 1 else 'entries are'} not there"
            return AuditFault("missing", self.stream, wanted, words)
        return AuditFault(
            "inserted", self.stream, seq, "there is another of this number", found.row
        )

    def _broken(self, found: Link) -> AuditFault:
        """A right link after another one than it was made for: that one was rewritten."""
        if self.at.seq == 0:
            words = "the first entry follows one that is not there"
            return AuditFault("inserted", self.stream, 1, words, found.row)
        words = f"entry {found.entry.seq} was made after another one"
        return AuditFault("rewritten", self.stream, self.at.seq, words, self.row)

    def _unlike_anchor(self) -> AuditFault | None:
        """The fault where an anchor has another hash for the current place."""
        seq = self.at.seq
        if self.known.get(seq, self.at.hash) == self.at.hash:
            return None
        since = max((each for each in self.known if each < seq), default=0)
        words = f"an anchor holds another entry {seq}; {since + 1} to {seq} were rewritten"
        return AuditFault("rewritten", self.stream, since + 1, words)


def hash_matches(found: Link) -> bool:
    """Whether the entry fits its hashes; False where it cannot be hashed."""
    try:
        return link_hash(found.previous, found.entry) == found.hash
    except (AttributeError, TypeError, ValueError):
        return False


def original_place(found: Link, places: Iterable[int]) -> int | None:
    """The place among `places` that an altered link was made for, where it was only moved."""
    moved = ((seq, found._replace(entry=replace(found.entry, seq=seq))) for seq in places)
    return next((seq for seq, link in moved if hash_matches(link)), None)


def nearby(seq: int, furthest: int) -> Iterator[int]:
    """Every other place of a stream, the nearest first."""
    for away in range(1, max(seq, furthest - seq) + 1):
        yield from (each for each in (seq + away, seq - away) if 1 <= each <= furthest)
