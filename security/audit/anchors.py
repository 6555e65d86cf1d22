"""Anchors: the ends of all streams under one Merkle root, with a MAC. Pure.

The tree is that of RFC 6962, so that a leaf is never taken for a node. An anchor's MAC covers the
MAC of the anchor before; a forger needs the audit key, and every copy of the files.
"""

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from security.audit.chain import GENESIS, encode
from security.audit.verify import StreamEnd

HOURLY = "hourly"
RESTORED = "restored"  # made after a back-up was restored: the rows went back in time


@dataclass(frozen=True, slots=True)
class AnchorRecord:
    """One anchor as it is stored: `at` in ISO 8601, `ends` as JSON {stream: [seq, hash]}."""

    number: int
    at: str
    kind: str
    streams: int
    root: str
    ends: str
    previous: str
    mac: str = ""

    @property
    def changed_ends(self) -> dict[str, StreamEnd]:
        """The ends that changed since the anchor before; of a restoration, all ends."""
        return {stream: StreamEnd(*end) for stream, end in json.loads(self.ends).items()}

    def line(self) -> str:
        return encode(asdict(self))


def from_line(line: str) -> AnchorRecord:
    """An anchor from its line. Raises ValueError."""
    try:
        return AnchorRecord(**json.loads(line))
    except TypeError as error:
        raise ValueError("It is no anchor.") from error


def root(ends: Mapping[str, StreamEnd]) -> str:
    """The Merkle root over the streams, sorted by name; GENESIS where there is none."""
    level = [_leaf(stream, end) for stream, end in sorted(ends.items())]
    if not level:
        return GENESIS
    while len(level) > 1:
        level = [_node(level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0].hex()


def signed(record: AnchorRecord, key: str) -> AnchorRecord:
    """The record with its MAC."""
    return AnchorRecord(**{**asdict(record), "mac": mac(record, key)})


def mac(record: AnchorRecord, key: str) -> str:
    """HMAC-SHA-256 over everything else in the anchor."""
    body = {name: value for name, value in asdict(record).items() if name != "mac"}
    return hmac.new(key.encode(), encode(body).encode(), sha256).hexdigest()


def faults(records: Sequence[AnchorRecord], key: str) -> list[str]:
    """What is wrong with all anchors, whose numbers must count from 1; empty where nothing is."""
    found: list[str] = []
    previous = GENESIS
    for place, record in enumerate(records, start=1):
        if record.number != place:
            found.append(f"anchor {place} is missing")
            break
        if not hmac.compare_digest(record.mac, mac(record, key)):
            found.append(f"anchor {place} does not fit its MAC: altered, or another audit key")
            break
        if record.previous != previous:
            found.append(f"anchor {place} does not follow anchor {place - 1}")
            break
        previous = record.mac
    if not found and records and root(latest_ends(records)) != records[-1].root:
        found.append(f"anchor {records[-1].number} has a root that does not fit its ends")
    return found


def latest_ends(records: Iterable[AnchorRecord]) -> dict[str, StreamEnd]:
    """Every stream's end at the last of these anchors."""
    ends: dict[str, StreamEnd] = {}
    for record in records:
        if record.kind == RESTORED:
            ends = {}
        ends.update(record.changed_ends)
    return ends


def anchored_hashes(records: Iterable[AnchorRecord]) -> dict[str, dict[int, str]]:
    """Every anchored hash by stream and number; a restoration removes those beyond its ends."""
    hashes: dict[str, dict[int, str]] = {}
    for record in records:
        if record.kind == RESTORED:
            hashes = _truncated(hashes, record.changed_ends)
        for stream, end in record.changed_ends.items():
            hashes.setdefault(stream, {})[end.seq] = end.hash
    return hashes


def _truncated(
    hashes: Mapping[str, Mapping[int, str]], ends: Mapping[str, StreamEnd]
) -> dict[str, dict[int, str]]:
    return {
        stream: {seq: each for seq, each in hashes.get(stream, {}).items() if seq <= end.seq}
        for stream, end in ends.items()
    }


def _leaf(stream: str, end: StreamEnd) -> bytes:
    return sha256(b"\x00" + encode([stream, end.seq, end.hash]).encode()).digest()


def _node(pair: list[bytes]) -> bytes:
    return pair[0] if len(pair) == 1 else sha256(b"\x01" + b"".join(pair)).digest()
