"""Take in events: each id counts once, whatever is sent again, in whatever order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from aethercrown.db import ingest
from aethercrown.db.bulk import WriteStatement, stamp
from aethercrown.monitoring import redaction
from aethercrown.text import storable_json, storable_text
from enterprise.usage import reports
from enterprise.usage.metering.event_input import (
    DEFAULT_SOURCE,
    MAX_ID_CHARACTERS,
    MAX_SOURCE_CHARACTERS,
    WINDOW,
    EventInput,
    InputProblem,
    InvalidEvent,
    ItemStatus,
    read_event,
)
from enterprise.usage.metering.metric_kinds import MetricAggregation, MetricKind
from enterprise.usage.models import EventKey, RefusedEvent
from enterprise.usage.reports import MetricRecord
from enterprise.usage.services import metrics, store
from enterprise.usage.services.store import EventWrites, NewEvent
from revenue.customers import reports as customers
from revenue.customers import services as customer_services
from revenue.customers.reports import ClientRecord

KEYS_KEPT = timedelta(days=35)  # longer than an event may be old
MAX_LISTED_TEXT = 300
LARGE_BATCH = 100  # events whose preparation is worth a look for their ids before


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


class OwnClient(NamedTuple):
    """The client whose own key makes a call: it sends only its use, and no corrections."""

    customer: int
    client_id: str

    def named(self, event: EventInput) -> EventInput:
        """The event with a source of the client's own, so that no id of another is taken."""
        source = f"client {self.customer}: {event.source}"[:MAX_SOURCE_CHARACTERS]
        return event._replace(source=source)


NEW_METRIC = MetricRecord(0, "", MetricKind.COUNTER, MetricAggregation.SUM)


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The clients and metrics that events name, and whether unknown ones are created."""

    clients: Mapping[str, ClientRecord]
    metrics: Mapping[str, MetricRecord]
    makes_clients: bool = True
    makes_metrics: bool = True
    takes_corrections: bool = True

    def is_plain(self, event: EventInput) -> bool:
        """Whether there is nothing to check: most events are such."""
        metric = self.metrics.get(event.metric)
        return (
            metric is not None
            and metric.aggregation != MetricAggregation.UNIQUE
            and not event.corrects
            and event.client_id in self.clients
        )

    def problems(self, event: EventInput) -> list[InputProblem]:
        found = []
        if event.client_id not in self.clients and not self.makes_clients:
            found.append(InputProblem("client_id", "unknown_client", "is not known here"))
        metric = self.metrics.get(event.metric, NEW_METRIC)
        if metric is NEW_METRIC and not self.makes_metrics:
            words = "is not known here; staff closed the list of metrics"
            found.append(InputProblem("metric", "unknown_metric", words))
        if event.corrects and metric.aggregation != MetricAggregation.SUM:
            words = "is for metrics that add up; send a new reading or event instead"
            found.append(InputProblem("corrects", "not_a_sum", words))
        if event.corrects and not self.takes_corrections:
            words = "is not taken from a client's key"
            found.append(InputProblem("corrects", "not_allowed", words))
        if not event.value and metric.aggregation == MetricAggregation.UNIQUE:
            words = "is required: this metric counts different values"
            found.append(InputProblem("value", "required", words))
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
            event.value,
            metric.aggregation,
        )


def track(
    items: Sequence[object],
    *,
    atomic: bool,
    now: datetime,
    source: str = DEFAULT_SOURCE,
    only: OwnClient | None = None,
) -> TrackedBatch:
    """Store the events that are new.

    With `atomic` all of them or, where one is rejected or conflicts, none. Events are read before
    the transaction begins. With `only` every other client is unknown. Raises BatchRejected and
    BatchConflicts.
    """
    batch, events, known = read_batch(items, now, WINDOW, source=source, only=only)
    if atomic and batch.count(ItemStatus.REJECTED):
        raise BatchRejected(batch)
    keys = BatchKeys(events)
    claiming = claim_statement(keys, now + KEYS_KEPT)
    ahead = prepared(keys, known, now) if len(events) >= LARGE_BATCH else None
    with transaction.atomic():
        known = created(known, events.values(), now)
        accepted = claim(keys, batch.items, claiming)
        if atomic and batch.count(ItemStatus.CONFLICT):
            raise BatchConflicts(batch)
        if ahead is None or ahead.events != accepted:
            ahead = PreparedEvents.of(accepted, known, now)
        store.execute(ahead.writes, now=now)
        _keep_refused(batch, items, now, source)
    return batch


class PreparedEvents(NamedTuple):
    """Events with what stores them."""

    events: list[EventInput]
    writes: EventWrites

    @classmethod
    def of(cls, events: list[EventInput], known: KnownNames, now: datetime) -> "PreparedEvents":
        return cls(events, store.writes([known.placed(each) for each in events], now=now))


def prepared(keys: "BatchKeys", known: KnownNames, now: datetime) -> PreparedEvents | None:
    """On SQLite the events that seem to be new; None where they name what is not known yet.

    Its transactions exclude every other writer, so that work is done before them. Whether the
    events are new is found out by the claim.
    """
    if connection.vendor != "sqlite":
        return None
    free = keys.free(contents(keys.first))
    if all(each.client_id in known.clients and each.metric in known.metrics for each in free):
        return PreparedEvents.of(free, known, now)
    return None


def looked_at(items: Sequence[object], now: datetime, window: timedelta | None) -> TrackedBatch:
    """What would become of each event; nothing is written."""
    batch, events, _ = read_batch(items, now, window)
    keys = BatchKeys(events)
    keys.sort_out(batch.items, contents(keys.first))
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
    *,
    source: str = DEFAULT_SOURCE,
    only: OwnClient | None = None,
    earliest: datetime | None = None,
) -> tuple[TrackedBatch, dict[int, EventInput], KnownNames]:
    """The status of each event, those that are valid by their place, and what they name.

    Nothing is written: unknown names that would be created are left out of what is known.
    """
    results: list[ItemResult] = []
    events: dict[int, EventInput] = {}
    for place, item in enumerate(items):
        try:
            event = read_event(item, now, window, source, earliest)
        except InvalidEvent as error:
            given = item.get("event_id") if isinstance(item, Mapping) else None
            name = given[:MAX_ID_CHARACTERS] if isinstance(given, str) else ""
            results.append(reject(ItemResult(place, name, ItemStatus.REJECTED), error.problems))
        else:
            results.append(ItemResult(place, event.event_id, ItemStatus.ACCEPTED))
            events[place] = event if only is None else only.named(event)
    known = find_names(events.values(), only)
    for place, event in list(events.items()):
        if not known.is_plain(event) and (problems := known.problems(event)):
            reject(results[place], problems)
            del events[place]
    return TrackedBatch(results), events, known


def reject(result: ItemResult, problems: Sequence[InputProblem]) -> ItemResult:
    result.status, result.problems = ItemStatus.REJECTED, problems
    result.reason = "; ".join(f"{each.field} {each.message}".strip() for each in problems)
    return result


def find_names(events: Collection[EventInput], only: OwnClient | None = None) -> KnownNames:
    """The clients and metrics of events; with `only` no other client is known or created."""
    client_ids = {each.client_id for each in events}
    codes = {each.metric for each in events}
    clients = customers.clients(client_ids if only is None else client_ids & {only.client_id})
    known = reports.metric_records(codes)
    takes_corrections = only is None
    if len(clients) == len(client_ids) and len(known) == len(codes):
        return KnownNames(clients, known, takes_corrections=takes_corrections)
    policy = reports.usage_policy()
    return KnownNames(
        clients,
        known,
        policy.accept_unknown_clients and only is None,
        policy.accept_unknown_metrics,
        takes_corrections,
    )


def created(known: KnownNames, events: Collection[EventInput], now: datetime) -> KnownNames:
    """The same with the unknown clients and metrics of events, which are created."""
    client_ids = {each.client_id for each in events} - known.clients.keys()
    codes = {each.metric for each in events} - known.metrics.keys()
    if not client_ids and not codes:
        return known
    clients = customer_services.ensure_clients(client_ids) if client_ids else {}
    found = metrics.ensure_metrics(codes, now)
    return replace(known, clients={**known.clients, **clients}, metrics={**known.metrics, **found})


class BatchKeys:
    """The identities of the valid events of a call: of one id twice the earlier is the first."""

    def __init__(self, events: Mapping[int, EventInput]) -> None:
        self.events = events
        self.keys = {place: event.key for place, event in events.items()}
        self.first: dict[str, int] = {}
        for place, key in self.keys.items():
            self.first.setdefault(key, place)
        self.contents = {key: events[place].content for key, place in self.first.items()}

    def free(self, taken: Collection[str]) -> list[EventInput]:
        """The first event of each key that is not taken, in order."""
        return [
            event
            for place, event in self.events.items()
            if (key := self.keys[place]) not in taken and self.first[key] == place
        ]

    def sort_out(self, results: Sequence[ItemResult], taken: Mapping[str, int]) -> list[EventInput]:
        """Those events whose keys were free, in order; the results of others say why not.

        `taken` has the contents of the keys that others had.
        """
        accepted = []
        for place, event in self.events.items():
            key = self.keys[place]
            if key not in taken and self.first[key] == place:
                accepted.append(event)
            else:
                content = taken[key] if key in taken else self.contents[key]
                repeat(results[place], same=content == event.content)
        return accepted


def claim_statement(keys: BatchKeys, expires_at: datetime) -> WriteStatement:
    ends = stamp(expires_at)
    rows = sorted((key, content, ends) for key, content in keys.contents.items())
    return ingest.claiming(EventKey, "key", ("content", "expires_at"), rows)


def claim(
    keys: BatchKeys, results: Sequence[ItemResult], statement: WriteStatement
) -> list[EventInput]:
    """Claim the ids of events; those that were free, in order. The others' results say why."""
    found = ingest.claimed(statement)
    if len(found) == len(keys.contents):
        return keys.sort_out(results, {})
    others = keys.contents.keys() - found
    # a key that is deleted at this moment has expired: its event is older than the window
    return keys.sort_out(
        results, {**{key: keys.contents[key] for key in others}, **contents(others)}
    )


def contents(keys: Collection[str]) -> dict[str, int]:
    """The stored contents of those ids that are taken."""
    return dict(ingest.stored(EventKey, "key", ("content",), keys))


def repeat(result: ItemResult, *, same: bool) -> None:
    result.status = ItemStatus.DUPLICATE if same else ItemStatus.CONFLICT
    result.reason = "" if same else "another event has this id; the first one is kept"


def _keep_refused(batch: TrackedBatch, items: Sequence[object], now: datetime, source: str) -> None:
    """Keep what was rejected or conflicts, with its secrets masked, for the inspector."""
    refused = [*batch.of(ItemStatus.REJECTED), *batch.of(ItemStatus.CONFLICT)]
    if not refused:
        return
    named = {each.index: _text(items[each.index], "client_id") for each in refused}
    known = customers.clients(set(named.values()))
    RefusedEvent.objects.bulk_create(
        RefusedEvent(
            received_at=now,
            source=_text(items[each.index], "source") or source,
            event_id=storable_text(each.event_id),
            client_id=(client := named[each.index]),
            customer_id=known[client].customer if client in known else None,
            status=each.status,
            reason=storable_text(each.reason)[:MAX_LISTED_TEXT],
            content=_masked(items[each.index]),
        )
        for each in refused
    )


def _text(item: object, name: str) -> str:
    value = item.get(name) if isinstance(item, Mapping) else None
    return storable_text(str(value)[:MAX_ID_CHARACTERS]) if isinstance(value, str | int) else ""


def _masked(item: object) -> Any:
    """The event as it came, short and without secrets."""
    if not isinstance(item, Mapping):
        return storable_json(redaction.value(str(item)[:MAX_LISTED_TEXT]))
    short = {
        str(name)[:100]: str(value)[:MAX_LISTED_TEXT] for name, value in list(item.items())[:20]
    }
    return storable_json(redaction.value(short))
