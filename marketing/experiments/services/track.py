"""Take in events: each counts once, whatever is sent again; what they mean is counted later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from aethercrown.db import ingest
from aethercrown.db.bulk import stamp
from marketing.experiments.models import AbTest, AbTestEvent, AbTestVariant
from marketing.experiments.services.assign import find
from marketing.experiments.tracking.event_input import (
    EventClock,
    EventProblem,
    InvalidTrackedEvent,
    TrackedEvent,
    read_event,
)
from marketing.experiments.windows import GRACE

COLUMNS = (
    *("content", "test_id", "kind", "place", "visitor", "at", "received_at", "has_id"),
    *("is_dated", "value", "count", "source", "is_counted"),
)


@dataclass(frozen=True, slots=True)
class TrackedEvents:
    """How many events of a call were new, and how many known."""

    accepted: int
    duplicates: int


class TrackingRejected(ValueError):
    """Events are not valid; nothing was stored. `problems` by the place of the event."""

    def __init__(self, problems: dict[int, list[EventProblem]]) -> None:
        super().__init__("Events are not valid; nothing was stored.")
        self.problems = problems


class TrackingConflict(Exception):
    """Other events have these ids; nothing was stored."""

    def __init__(self, places: Sequence[int]) -> None:
        named = ", ".join(f"events[{each}]" for each in places)
        super().__init__(f"Another event has the id of {named}; nothing was stored.")
        self.places = places


class AbTestConcluded(Exception):
    """The test ended, and so has the time in which late conversions are taken."""


def track(
    test_id: str, items: Sequence[object], *, now: datetime, source: str = "api"
) -> TrackedEvents:
    """Store the events that are new: all or, where one is wrong, none.

    Raises UnknownTest, AbTestConcluded, TrackingRejected and TrackingConflict.
    """
    test = find(test_id)
    if _is_over(test, now):
        raise AbTestConcluded(f"{test} was concluded.")
    variants = AbTestVariant.objects.filter(test=test).values_list("variant_id", "place")
    clock = EventClock(test.test_id, test.started_at, now, dict(variants))
    events = _read(items, clock, source)
    with transaction.atomic():
        return _stored(test, events, now)


def _is_over(test: AbTest, now: datetime) -> bool:
    if test.concluded_at is None:
        return False
    return now > test.concluded_at + timedelta(hours=test.attribution_window_hours) + GRACE


def _read(items: Sequence[object], clock: EventClock, source: str) -> list[TrackedEvent]:
    events, problems = [], {}
    for place, item in enumerate(items):
        try:
            events.append(read_event(item, clock, default_source=source))
        except InvalidTrackedEvent as error:
            problems[place] = error.problems
    if problems:
        raise TrackingRejected(problems)
    return events


def _stored(test: AbTest, events: Sequence[TrackedEvent], now: datetime) -> TrackedEvents:
    first: dict[str, TrackedEvent] = {}
    for each in events:
        first.setdefault(each.key, each)
    received = stamp(now)
    rows = [
        (
            *(key, each.content, test.pk, each.kind.value, each.place, each.visitor),
            *(stamp(each.at), received, each.has_id, each.is_dated, each.value),
            *(each.times, each.source, False),
        )
        for key, each in sorted(first.items())
    ]
    found = ingest.claim(AbTestEvent, "key", COLUMNS, rows)
    new = {each.hex if isinstance(each, UUID) else each for each in found}
    contents = {key: each.content for key, each in first.items()} | _contents(first.keys() - new)
    different = [place for place, each in enumerate(events) if contents[each.key] != each.content]
    if different:
        raise TrackingConflict(different)
    return TrackedEvents(len(new), len(events) - len(new))


def _contents(keys: set[str]) -> dict[str, int]:
    """The stored contents of ids that were taken."""
    if not keys:
        return {}
    rows = AbTestEvent.objects.filter(pk__in=keys).values_list("pk", "content")
    return {key.hex: content for key, content in rows}
