"""From a visitor to one of 10,000 buckets, the same for ever (FNV-1a, 32 bit; Fowler, Noll, Vo)."""

OFFSET, PRIME, MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
BUCKETS = 10_000


def fnv1a(text: str, state: int = OFFSET) -> int:
    """The hash of the characters of a text, going on from that of what stands before it."""
    for character in text:
        state = ((state ^ ord(character)) * PRIME) & MASK
    return state


def bucket(seed: str, visitor: str) -> int:
    """The bucket of a visitor under a seed, from 0 to 9,999."""
    return fnv1a(str(fnv1a(visitor, fnv1a(seed)))) % BUCKETS


def fraction(seed: str, visitor: str, version: int) -> float | None:
    """The place of a visitor in [0, 1) by version of the hash; None for versions not known."""
    if version == 2:
        return bucket(seed, visitor) / BUCKETS
    if version == 1:
        return fnv1a(seed, fnv1a(visitor)) % 1_000 / 1_000
    return None


def is_in_namespace(visitor: str, name: str, start: float, end: float) -> bool:
    """Whether a visitor belongs to the part of a namespace: tests with disjoint parts exclude."""
    place = fnv1a("__" + name, fnv1a(visitor)) % 1_000 / 1_000
    return start <= place < end


def is_held_out(seed: str, visitor: str, share: float) -> bool:
    """Whether a visitor is in the global hold-out, the first `share` of its own buckets."""
    return bucket(seed, visitor) < share * BUCKETS
