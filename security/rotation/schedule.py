"""When a key is rotated: due exactly one interval after the last time, begun a little earlier.

Keys registered together would come due together; a jitter of up to a tenth of the interval,
which a hash of the key and its version decides, lets the automatic pass begin each at a time of
its own. It only ever moves the beginning earlier, so that no key outlives its interval.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import Protocol
from uuid import UUID

JITTER = 0.1  # of the interval, at most
SOON = timedelta(days=7)
LEAST_AN_HOUR, MOST_AN_HOUR, SHARE_AN_HOUR = 10, 50, 0.05
CROWD = 0.2  # of all keys due at once: with a clock that jumped, too many to believe
JUMP = timedelta(hours=1)
SILENCE = timedelta(hours=26)
PASS_EVERY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Turn:
    """When a rotation is due, and from when the automatic pass may begin it."""

    due_at: datetime
    eligible_at: datetime


def turn(completed_at: datetime, interval: timedelta, key: UUID, version: int) -> Turn:
    """The next turn of a key whose version `version` became current at `completed_at`."""
    due_at = completed_at + interval
    return Turn(due_at, due_at - interval * (JITTER * fraction(key, version)))


def fraction(key: UUID, version: int) -> float:
    """A number in [0, 1) that belongs to this key and version for ever."""
    digest = sha256(f"{key}|{version}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def most_an_hour(keys: int) -> int:
    """How many keys the automatic pass may rotate within an hour."""
    return min(MOST_AN_HOUR, max(LEAST_AN_HOUR, ceil(SHARE_AN_HOUR * keys)))


class Due(Protocol):
    """What can be put in order: a row, or a plain value in a test."""

    @property
    def due_at(self) -> datetime: ...


def standing(key: Due, now: datetime) -> str:
    """In one word: overdue, due_soon or healthy. Computed whenever asked, and never stored."""
    if key.due_at <= now:
        return "overdue"
    return "due_soon" if key.due_at <= now + SOON else "healthy"


@dataclass(frozen=True, slots=True)
class Round:
    """What one pass may do: how many keys, or the reason why none."""

    room: int
    paused_because: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What a pass finds: keys, those due, begun within the hour, and what the clocks say."""

    keys: int
    due: int
    begun_this_hour: int
    now: datetime
    local_now: datetime
    last_pass_at: datetime | None
    paused: bool = False


def round_of(around: Around) -> Round:
    """How many keys this pass may rotate; none where a clock has jumped and a crowd is due."""
    if around.paused:
        return Round(0, "An earlier pass was paused, and nobody has resumed it yet.")
    moved = jump(around)
    if moved > JUMP and around.due > CROWD * around.keys:
        return Round(
            0,
            f"{around.due} of {around.keys} keys are due at once, and a clock has moved by "
            f"{moved}: nothing is rotated until a person has looked and resumes.",
        )
    return Round(max(0, most_an_hour(around.keys) - around.begun_this_hour))


def jump(around: Around) -> timedelta:
    """By how much a clock has moved that should not: between machines, or since the last pass.

    A platform that stood still looks the same as a clock set forward; a crowd makes both wait.
    """
    apart = abs(around.local_now - around.now)
    if around.last_pass_at is None:
        return apart
    since = around.now - around.last_pass_at
    return max(apart, -since, since - PASS_EVERY)


def silent(last_pass_at: datetime | None, first_key_at: datetime | None, now: datetime) -> bool:
    """Whether no pass has run for 26 hours, though there were keys to look after."""
    known = [each for each in (last_pass_at, first_key_at) if each is not None]
    return first_key_at is not None and now - max(known) > SILENCE
