"""Which word a destination should hear next of an alert, after those it has heard. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from aethercrown.severity import rank
from operations.alerts.event_messages import ESCALATED, FLAPPING, OPENED, REMINDER, RESOLVED
from operations.messaging.message import HeardWord

MAX_OPENINGS = 2  # told within FLAPPING_WINDOW; the next is told as flapping
FLAPPING_WINDOW = timedelta(hours=1)
OPEN_WORDS = frozenset({OPENED, ESCALATED, REMINDER})


def when_open(words: Sequence[HeardWord], severity: str, now: datetime, *, is_steady: bool) -> str:
    """The event to tell of an open alert; empty if the destination knows. Oldest word first.

    An alert that opens again and again is told as flapping once, and again when it is steady;
    from then on its openings are counted anew.
    """
    last = words[-1] if words else None
    if last is None:
        return OPENED
    if last.event in OPEN_WORDS:
        return ESCALATED if rank(severity) > rank(last.severity) else ""
    if last.event == FLAPPING:
        return OPENED if is_steady else ""
    since = list(takewhile(lambda each: each.event != FLAPPING, reversed(words)))
    openings = sum(each.event == OPENED and now - each.at < FLAPPING_WINDOW for each in since)
    return FLAPPING if openings >= MAX_OPENINGS and not is_steady else OPENED


def when_over(words: Sequence[HeardWord], *, is_steady: bool) -> str:
    """The event to tell of a resolved alert: its end, to those who heard that it was open."""
    last = words[-1].event if words else ""
    if last in OPEN_WORDS or (last == FLAPPING and is_steady):
        return RESOLVED
    return ""
