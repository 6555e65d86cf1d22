"""Read tracked events: impressions and conversions of visitors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from math import isfinite
from typing import Any, NamedTuple
from uuid import uuid4

from aethercrown.text import storable_text
from marketing.experiments.windows import event_time

MAX_ID_CHARACTERS, MAX_SOURCE_CHARACTERS = 200, 60
MAX_VALUE, MAX_COUNT = 10**9, 10**9
MILLION = 1_000_000
MAX_UNKNOWN = 20
NAMES = frozenset(
    ("variant_id", "event", "visitor_id", "value", "event_id", "occurred_at", "count", "source")
)
TEXTS = (
    ("visitor_id", MAX_ID_CHARACTERS),
    ("event_id", MAX_ID_CHARACTERS),
    ("source", MAX_SOURCE_CHARACTERS),
)


class EventKind(StrEnum):
    """An impression is an exposure; a conversion reaches the goal."""

    IMPRESSION = "impression"
    CONVERSION = "conversion"


class EventProblem(NamedTuple):
    """What is wrong with a field of an event."""

    field: str
    code: str
    message: str


class InvalidTrackedEvent(ValueError):
    """The event cannot be stored; `problems` has every bad field."""

    def __init__(self, problems: list[EventProblem]) -> None:
        super().__init__("; ".join(f"{each.field} {each.message}" for each in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class EventClock:
    """When a test started, the present, and the arm of each variant id."""

    test_id: str
    started_at: datetime
    now: datetime
    places: Mapping[str, int]


class TrackedEvent(NamedTuple):
    """An event that may be stored; `value` in millionths, `times` how often it happened.

    `key` is the same for the same event sent again. Without an id that is an event of the same
    visitor, kind, value and `occurred_at`; a value without a time counts each time.
    """

    key: str
    content: int
    has_id: bool
    kind: EventKind
    place: int
    visitor: str
    at: datetime
    is_dated: bool
    value: int
    times: int
    source: str


def read_event(item: object, test: EventClock, *, default_source: str = "api") -> TrackedEvent:
    """One event. Raises InvalidTrackedEvent with every bad field."""
    if not isinstance(item, Mapping):
        raise InvalidTrackedEvent([EventProblem("", "not_a_dict", "must be an object")])
    problems = list(_unknown(item))
    place = _place(item, test, problems)
    kind = _kind(item, problems)
    texts = {name: _text(item, name, most, problems) for name, most in TEXTS}
    value, count = _value(item, problems), _count(item, problems)
    given = _moment(item, problems)
    at = event_time(given, test.now, test.started_at)
    if at is None:
        words = "must be at most 5 minutes ahead of the present"
        problems.append(EventProblem("occurred_at", "in_future", words))
    if problems or at is None:
        raise InvalidTrackedEvent(problems)
    body = (kind, place, texts["visitor_id"], value, count, given)
    return TrackedEvent(
        _key(test.test_id, texts["event_id"], body),
        _digest_number(body) if texts["event_id"] else 0,
        bool(texts["event_id"]),
        kind,
        place,
        texts["visitor_id"],
        at,
        given is not None,
        round(value * MILLION),
        count,
        texts["source"] or default_source,
    )


def _unknown(item: Mapping[Any, Any]) -> Iterator[EventProblem]:
    for name in [each for each in item if each not in NAMES][:MAX_UNKNOWN]:
        shown = storable_text(str(name)[:80])
        yield EventProblem(shown, "unknown", f"is not known; known are {', '.join(sorted(NAMES))}")


def _place(item: Mapping[Any, Any], test: EventClock, problems: list[EventProblem]) -> int:
    given = item.get("variant_id")
    if given is None:
        problems.append(EventProblem("variant_id", "required", "is required"))
    elif not isinstance(given, str):
        problems.append(EventProblem("variant_id", "invalid", "must be a text"))
    elif given not in test.places:
        words = f"is no variant of this test; there are {', '.join(test.places)}"
        problems.append(EventProblem("variant_id", "unknown_variant", words))
    else:
        return test.places[given]
    return -1


def _kind(item: Mapping[Any, Any], problems: list[EventProblem]) -> EventKind:
    given = item.get("event", EventKind.CONVERSION)
    if isinstance(given, str) and given in [*EventKind]:
        return EventKind(given)
    problems.append(EventProblem("event", "invalid_choice", "must be impression or conversion"))
    return EventKind.CONVERSION


def _text(item: Mapping[Any, Any], name: str, most: int, problems: list[EventProblem]) -> str:
    given = item.get(name)
    if given is None:
        return ""
    if not isinstance(given, str) or not given.strip():
        problems.append(EventProblem(name, "invalid", "must be a text that is not empty"))
    elif len(given) > most:
        problems.append(EventProblem(name, "max_length", f"must have at most {most} characters"))
    elif given != storable_text(given):
        problems.append(EventProblem(name, "invalid", "has characters that cannot be stored"))
    else:
        return given
    return ""


def _value(item: Mapping[Any, Any], problems: list[EventProblem]) -> float:
    given = item.get("value")
    if given is None:
        return 0
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        problems.append(EventProblem("value", "invalid", "must be a number"))
    elif not 0 <= given <= MAX_VALUE:
        problems.append(EventProblem("value", "min_value", f"must be from 0 to {MAX_VALUE}"))
    else:
        return given
    return 0


def _count(item: Mapping[Any, Any], problems: list[EventProblem]) -> int:
    given = item.get("count", 1)
    if isinstance(given, bool) or not isinstance(given, int):
        problems.append(EventProblem("count", "invalid", "must be a whole number"))
    elif not 1 <= given <= MAX_COUNT:
        problems.append(EventProblem("count", "min_value", f"must be from 1 to {MAX_COUNT}"))
    else:
        return given
    return 1


def _moment(item: Mapping[Any, Any], problems: list[EventProblem]) -> datetime | None:
    given = item.get("occurred_at")
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    words = "must be a time in ISO 8601 with its offset"
    problems.append(EventProblem("occurred_at", "invalid", words))
    return None


def _key(test_id: str, event_id: str, body: tuple[Any, ...]) -> str:
    """32 hexadecimal digits."""
    kind, _place, visitor, value, count, given = body
    if event_id:
        name = f"id\0{event_id}"
    elif not visitor or count > 1 or (value and given is None):
        return uuid4().hex
    else:
        name = f"{kind}\0{visitor}\0{value}\0{given}"
    return blake2b(f"{test_id}\0{name}".encode(), digest_size=16).hexdigest()


def _digest_number(body: tuple[Any, ...]) -> int:
    text = "\0".join(str(each) for each in body)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
