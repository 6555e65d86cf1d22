"""Take in events: each id counts once, whatever is sent again, in whatever order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from aethercrown.db import ingest
from aethercrown.db.bulk import stamp
from aethercrown.monitoring import redaction
from aethercrown.text import storable_json
from enterprise.usage import reports
from enterprise.usage.event_input import (
    DEFAULT_SOURCE,
    WINDOW,
    EventInput,
    InputProblem,
    InvalidEvent,
    ItemStatus,
    read_event,
)
from enterprise.usage.metric_kinds import MetricAggregation
from enterprise.usage.models import EventKey, RefusedEvent, UsageEvent, UsageMetric
from enterprise.usage.services import metrics, store
from enterprise.usage.services.store import NewEvent
from revenue.customers import reports as customers
from revenue.customers import services as customer_services
from revenue.customers.reports import ClientRecord

KEYS_KEPT = timedelta(days=35)  # longer than an event may be old
MAX_LISTED_TEXT = 300


@dataclass(slots=True)
class ItemResult:
    """What became of one event; `problems` has the bad fields of a rejected one."""

    index: int
    event_id: str
    status: ItemStatus
    reason: str = ""
    problems: Sequence[InputProblem] = ()


@dataclass(frozen=True, slots=True)
class TrackedBatch:
    """What became of every event of a call."""

    items: Sequence[ItemResult]

    def count(self, status: ItemStatus) -> int:
        return sum(each.status is status for each in self.items)

    def of(self, status: ItemStatus) -> list[ItemResult]:
        return [each for each in self.items if each.status is status]


class BatchRejected(ValueError):
    """Events of an atomic batch are not valid; nothing of it is stored."""

    def __init__(self, batch: TrackedBatch) -> None:
        super().__init__("Events are not valid; nothing was stored.")
        self.rejected = batch.of(ItemStatus.REJECTED)


class BatchConflicts(Exception):
    """Ids of an atomic batch belong to other events; nothing of it is stored."""

    def __init__(self, batch: TrackedBatch) -> None:
        self.conflicts = batch.of(ItemStatus.CONFLICT)
        named = ", ".join(f"events[{each.index}] ({each.event_id})" for each in self.conflicts)
        super().__init__(f"Another event has the id of {named}; nothing was stored.")


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The clients and metrics that events name."""

    clients: Mapping[str, ClientRecord]
    metrics: Mapping[str, UsageMetric]

    def problems(self, event: EventInput) -> list[InputProblem]:
        found = []
        if event.client_id not in self.clients:
            found.append(InputProblem("client_id", "unknown_client", "is not known here"))
        if event.metric not in self.metrics:
            words = "is not known here; staff closed the list of metrics"
            found.append(InputProblem("metric", "unknown_metric", words))
        elif event.corrects and self.metrics[event.metric].aggregation != MetricAggregation.SUM:
            words = "is for metrics that add up; send a new reading or event instead"
            found.append(InputProblem("corrects", "not_a_sum", words))
        return found

    def placed(self, event: EventInput) -> NewEvent:
        """The event with the numbers of its client and metric."""
        client, metric = self.clients[event.client_id], self.metrics[event.metric]
        return NewEvent(
            client.customer,
            metric.pk,
            metric.kind,
            client.time_zone,
            event.at,
            event.quantity,
            event.source,
            event.event_id,
            event.corrects,
            0 if event.corrects else 1,
        )


@transaction.atomic
def track(
    items: Sequence[object],
    *,
    atomic: bool,
    now: datetime,
    source: str = DEFAULT_SOURCE,
) -> TrackedBatch:
    """Store the events that are new.

    With `atomic` all of them or, where one is rejected or conflicts, none. Raises BatchRejected
    and BatchConflicts.
    """
    batch, events, known = read_batch(items, now, WINDOW, source)
    if atomic and batch.count(ItemStatus.REJECTED):
        raise BatchRejected(batch)
    accepted = claim(events, batch.items, expires_at=now + KEYS_KEPT)
    if atomic and batch.count(ItemStatus.CONFLICT):
        raise BatchConflicts(batch)
    store.store([known.placed(each) for each in accepted], now=now)
    _keep_refused(batch, items, now, source)
    return batch


def looked_at(items: Sequence[object], now: datetime, window: timedelta | None) -> TrackedBatch:
    """What would become of each event; nothing is stored."""
    with transaction.atomic():
        batch, events, _ = read_batch(items, now, window)
        claim(events, batch.items, expires_at=now + KEYS_KEPT)
        transaction.set_rollback(True)
    return batch


def problems_of(result: ItemResult) -> Sequence[InputProblem]:
    """Why an event cannot be stored: what is wrong with it, or whose id it has."""
    if result.status is ItemStatus.CONFLICT:
        return [InputProblem("event_id", "conflict", result.reason)]
    return result.problems


def read_batch(
    items: Sequence[object],
    now: datetime,
    window: timedelta | None,
    source: str = DEFAULT_SOURCE,
) -> tuple[TrackedBatch, dict[int, EventInput], KnownNames]:
    """The status of each event, those that are valid by their place, and what they name."""
    read = [_read(index, each, now, window, source) for index, each in enumerate(items)]
    results = [result for result, _ in read]
    events = {place: event for place, (_, event) in enumerate(read) if event}
    known = resolve(events.values(), now)
    for place, event in list(events.items()):
        if problems := known.problems(event):
            reject(results[place], problems)
            del events[place]
    return TrackedBatch(results), events, known


def _read(
    index: int, item: object, now: datetime, window: timedelta | None, source: str
) -> tuple[ItemResult, EventInput | None]:
    try:
        event = read_event(item, now, window, source)
    except InvalidEvent as error:
        given = item.get("event_id") if isinstance(item, Mapping) else None
        name = given[:100] if isinstance(given, str) else ""
        return reject(ItemResult(index, name, ItemStatus.REJECTED), error.problems), None
    return ItemResult(index, event.event_id, ItemStatus.ACCEPTED), event


def reject(result: ItemResult, problems: Sequence[InputProblem]) -> ItemResult:
    result.status, result.problems = ItemStatus.REJECTED, problems
    result.reason = "; ".join(f"{each.field} {each.message}".strip() for each in problems)
    return result


def resolve(events: Iterable[EventInput], now: datetime) -> KnownNames:
    """The clients and metrics of events, created where unknown ones are accepted."""
    listed = list(events)
    client_ids = {each.client_id for each in listed}
    makes_clients = reports.usage_policy().accept_unknown_clients
    found = (customer_services.ensure_clients if makes_clients else customers.clients)(client_ids)
    return KnownNames(found, metrics.ensure_metrics({each.metric for each in listed}, now))


def mark_stored(
    events: dict[int, EventInput], results: Sequence[ItemResult], known: KnownNames
) -> None:
    """Leave out events whose ids are stored, also where their claims have expired."""
    ids = {each.event_id for each in events.values()}
    rows = UsageEvent.objects.filter(event_id__in=ids)
    stored = {(each.source, each.event_id): each for each in rows}
    for place, event in list(events.items()):
        row = stored.get((event.source, event.event_id))
        if row is not None:
            placed = known.placed(event)
            mine = (placed.customer, placed.metric, event.at, event.quantity, event.corrects)
            theirs = (row.customer_id, row.metric_id, row.occurred_at, row.quantity, row.corrects)
            _repeat(results[place], same=mine == theirs)
            del events[place]


def claim(
    events: Mapping[int, EventInput], results: Sequence[ItemResult], *, expires_at: datetime
) -> list[EventInput]:
    """Claim the ids of events; those that were free, in order. The others' results say why.

    Of one id twice the earlier position counts as first.
    """
    first: dict[str, int] = {}
    for place, event in events.items():
        first.setdefault(event.key, place)
    rows = [(key, events[place].content, stamp(expires_at)) for key, place in first.items()]
    claimed = ingest.claim(EventKey, "key", ("content", "expires_at"), sorted(rows))
    new = {UUID(str(key)).hex for key in claimed}
    stored = _contents([key for key in first if key not in new])
    accepted = []
    for place, event in events.items():
        if event.key in new and first[event.key] == place:
            accepted.append(event)
            continue
        content = events[first[event.key]].content if event.key in new else stored[event.key]
        _repeat(results[place], same=content == event.content)
    return accepted


def _contents(keys: Sequence[str]) -> dict[str, int]:
    """The stored contents of ids that were taken."""
    if not keys:
        return {}
    rows = EventKey.objects.filter(pk__in=keys).values_list("pk", "content")
    return {key.hex: content for key, content in rows}


def _repeat(result: ItemResult, *, same: bool) -> None:
    result.status = ItemStatus.DUPLICATE if same else ItemStatus.CONFLICT
    result.reason = "" if same else "another event has this id; the first one is kept"


def _keep_refused(batch: TrackedBatch, items: Sequence[object], now: datetime, source: str) -> None:
    """Keep what was rejected or conflicts, with its secrets masked, for the inspector."""
    refused = [*batch.of(ItemStatus.REJECTED), *batch.of(ItemStatus.CONFLICT)]
    if not refused:
        return
    named = {each.index: _text(items[each.index], "client_id")[:100] for each in refused}
    known = customers.clients(set(named.values()))
    RefusedEvent.objects.bulk_create(
        RefusedEvent(
            received_at=now,
            source=_text(items[each.index], "source")[:50] or source,
            event_id=each.event_id[:100],
            client_id=(client := named[each.index]),
            customer_id=known[client].customer if client in known else None,
            status=each.status,
            reason=each.reason[:MAX_LISTED_TEXT],
            content=_masked(items[each.index]),
        )
        for each in refused
    )


def _text(item: object, name: str) -> str:
    value = item.get(name) if isinstance(item, Mapping) else None
    return str(value) if isinstance(value, str | int) else ""


def _masked(item: object) -> Any:
    """The event as it came, short and without secrets."""
    if not isinstance(item, Mapping):
        return storable_json(redaction.value(str(item)[:MAX_LISTED_TEXT]))
    short = {
        str(name)[:100]: str(value)[:MAX_LISTED_TEXT] for name, value in list(item.items())[:20]
    }
    return storable_json(redaction.value(short))
