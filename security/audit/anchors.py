"""Anchors: the ends of all streams under one Merkle root, sealed with a key, one after another.

The tree is that of RFC 6962, so that a leaf is never taken for a node. A seal covers the one
before it; a forger needs the key, and every copy of the file.
"""

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from security.audit.chain import GENESIS
from security.audit.verify import StreamEnd

HOURLY = "hourly"
RESTORED = "restored"  # the rows went back to an older state, and a person knows


@dataclass(frozen=True, slots=True)
class AnchorRecord:
    """One anchor as it is kept: `at` in ISO 8601, `ends` as JSON {stream: [seq, hash]}."""

    number: int
    at: str
    kind: str
    streams: int
    root: str
    ends: str
    previous: str
    mark: str = ""

    @property
    def moved(self) -> dict[str, StreamEnd]:
        """The ends it names: those that moved since the anchor before, or all of a restoration."""
        return {stream: StreamEnd(*end) for stream, end in json.loads(self.ends).items()}

    def line(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))


def from_line(line: str) -> AnchorRecord:
    """An anchor from its line; ValueError where it is none."""
    try:
        return AnchorRecord(**json.loads(line))
    except TypeError as error:
        raise ValueError("It is no anchor.") from error


def ends_to_json(ends: Mapping[str, StreamEnd]) -> str:
    """Ends as an anchor keeps them."""
    return json.dumps(ends, sort_keys=True, separators=(",", ":"))


def root(ends: Mapping[str, StreamEnd]) -> str:
    """The Merkle root over the streams in the order of their names; GENESIS where there is none."""
    level = [_leaf(stream, end) for stream, end in sorted(ends.items())]
    if not level:
        return GENESIS
    while len(level) > 1:
        level = [_node(level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0].hex()


def signed(anchor: AnchorRecord, key: str) -> AnchorRecord:
    """The same with its mark."""
    return AnchorRecord(**{**asdict(seal), "mark": mark(seal, key)})


def mac(anchor: AnchorRecord, key: str) -> str:
    """HMAC-SHA-256 over everything else in the anchor."""
    body = {name: value for name, value in asdict(seal).items() if name != "mark"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hmac.new(key.encode(), text.encode(), sha256).hexdigest()


def faults(seals: Sequence[AnchorRecord], key: str) -> list[str]:
    """What is wrong with a run of anchors, whose numbers are to count from 1."""
    found: list[str] = []
    previous = GENESIS
    for place, seal in enumerate(seals, start=1):
        if seal.number != place:
            found.append(f"anchor {place} is missing")
            break
        if not hmac.compare_digest(seal.mark, mark(seal, key)):
            found.append(f"anchor {place} does not fit its mark: altered, or another audit key")
            break
        if seal.previous != previous:
            found.append(f"anchor {place} was made after another anchor than {place - 1}")
            break
        previous = seal.mark
    if not found and seals and root(latest_ends(seals)) != seals[-1].root:
        found.append(f"anchor {seals[-1].number} has another root than its ends")
    return found


def latest_ends(seals: Iterable[AnchorRecord]) -> dict[str, StreamEnd]:
    """How far every stream had come at the last of these anchors."""
    ends: dict[str, StreamEnd] = {}
    for seal in seals:
        if seal.kind == RESTORED:
            ends = {}
        ends.update(seal.moved)
    return ends


def anchored_hashes(seals: Iterable[AnchorRecord]) -> dict[str, dict[int, str]]:
    """Every end that anchors hold, by stream and number; a restoration voids what went beyond."""
    held: dict[str, dict[int, str]] = {}
    for seal in seals:
        if seal.kind == RESTORED:
            held = _rewound(held, seal.moved)
        for stream, end in seal.moved.items():
            held.setdefault(stream, {})[end.seq] = end.hash
    return held


def _rewound(
    held: Mapping[str, Mapping[int, str]], ends: Mapping[str, StreamEnd]
) -> dict[str, dict[int, str]]:
    return {
        stream: {seq: kept for seq, kept in held.get(stream, {}).items() if seq <= end.seq}
        for stream, end in ends.items()
    }


def _leaf(stream: str, end: StreamEnd) -> bytes:
    text = json.dumps([stream, end.seq, end.hash], separators=(",", ":"))
    return sha256(b"\x00" + text.encode()).digest()


def _node(pair: list[bytes]) -> bytes:
    return pair[0] if len(pair) == 1 else sha256(b"\x01" + b"".join(pair)).digest()
