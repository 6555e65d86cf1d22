"""What a backfill stores: its new events, and rows that take out those it replaces."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from enterprise.usage import reports
from enterprise.usage.metering.event_input import EventInput, InputProblem, ItemStatus
from enterprise.usage.models import EventKey, UsageBackfill, UsageEvent
from enterprise.usage.reports.backfills import DayKey
from enterprise.usage.services import store, track
from enterprise.usage.services.store import NewEvent, PlacedEvent
from enterprise.usage.services.track import BatchKeys, KnownNames, TrackedBatch
from enterprise.usage.services.upkeep import oldest_event
from enterprise.usage.services.voided import VOIDS, NetEvent, net_events
from revenue.customers.reports import ClientRecord

DAYS_OF_A_MONTH = 31


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """The rows of a backfill. Clients and metrics that do not exist yet have numbers below 0."""

    batch: TrackedBatch
    keys: BatchKeys
    events: Sequence[NewEvent]
    voids: Sequence[NewEvent]
    names: Mapping[int, str]  # of clients and metrics that do not exist yet

    @property
    def rows(self) -> list[NewEvent]:
        return [*self.voids, *self.events]

    def placed(self, now: datetime) -> list[PlacedEvent]:
        return store.placed_events(self.rows, now)

    def touched(self, now: datetime) -> set[DayKey]:
        return {(each.event.customer, each.event.metric, each.day) for each in self.placed(now)}

    def counts(self) -> dict[str, int]:
        """How many events there are of each status, and how many are taken out."""
        found = {each.value: self.batch.count(each) for each in ItemStatus}
        return {**found, "voided": len(self.voids)}


def plan(row: UsageBackfill, now: datetime, *, writes: bool) -> BackfillPlan:
    """Read the input and find what is new and what is replaced.

    With `writes`, in the caller's transaction, unknown clients and metrics are created and the ids
    of what is new are claimed.
    """
    batch, events, known = track.read_batch(
        row.events, now, window=None, earliest=oldest_event(now)
    )
    for place, event in list(events.items()):
        if problems := _outside(row, event, known):
            track.reject(batch.items[place], problems)
            del events[place]
    names: dict[int, str] = {}
    if writes:
        known = track.created(known, events.values(), now)
    else:
        known = _provisional(known, events.values(), names)
    named = {event.event_id for event in events.values()}
    released = _mark_stored(events, batch, known)
    keys = BatchKeys(events)
    if writes:
        EventKey.objects.filter(pk__in=released).delete()
        kept_for = timedelta(days=DAYS_OF_A_MONTH * reports.usage_policy().raw_months)
        accepted = track.claim(keys, batch.items, track.claim_statement(keys, now + kept_for))
    else:
        accepted = keys.sort_out(batch.items, track.contents(keys.first.keys() - released))
    voids = _voids(row, named) if row.mode == UsageBackfill.Mode.REPLACE else []
    return BackfillPlan(batch, keys, [known.placed(each) for each in accepted], voids, names)


def _provisional(known: KnownNames, events: Any, names: dict[int, str]) -> KnownNames:
    """What would be created, with numbers below 0."""
    clients, metrics = dict(known.clients), dict(known.metrics)
    for event in events:
        if event.client_id not in clients:
            names[-len(names) - 1] = event.client_id
            clients[event.client_id] = ClientRecord(-len(names), "UTC")
        if event.metric not in metrics:
            names[-len(names) - 1] = event.metric
            metrics[event.metric] = track.NEW_METRIC._replace(pk=-len(names), code=event.metric)
    return KnownNames(clients, metrics)


def _outside(row: UsageBackfill, event: EventInput, known: KnownNames) -> list[InputProblem]:
    """Why an event is not of the range that is replaced."""
    if row.mode != UsageBackfill.Mode.REPLACE or row.starts_at is None or row.ends_at is None:
        return []
    problems = []
    client, metric = known.clients.get(event.client_id), known.metrics.get(event.metric)
    if client is None or client.customer != row.customer_id:
        problems.append(InputProblem("client_id", "outside", "is not the client of the range"))
    if metric is None or metric.pk != row.metric_id:
        problems.append(InputProblem("metric", "outside", "is not the metric of the range"))
    if not row.starts_at <= event.at < row.ends_at:
        problems.append(InputProblem("timestamp", "outside", "is outside the range"))
    return problems


def _mark_stored(events: dict[int, EventInput], batch: TrackedBatch, known: KnownNames) -> set[str]:
    """Leave out events that are stored, also where their claims have expired.

    Returns the keys of those that were taken out again: they may be stored anew.
    """
    ids = {each.event_id for each in events.values()}
    rows = list(UsageEvent.objects.filter(event_id__in=ids).order_by("pk"))
    about = UsageEvent.objects.filter(source=VOIDS, corrects__in=ids).exclude(corrects="")
    nets = net_events(sorted([*rows, *about], key=lambda each: each.pk))
    live = {
        (row.source, row.event_id): row
        for net in nets.values()
        if net.is_live and (row := net.newest) is not None
    }
    stored = {(row.source, row.event_id) for row in rows}
    released: set[str] = set()
    for place, event in list(events.items()):
        name = event.source, event.event_id
        if name in live:
            same = _content(known.placed(event)) == _stored_content(live[name])
            track.repeat(batch.items[place], same=same)
            del events[place]
        elif name in stored:
            released.add(event.key)
    return released


def _content(event: NewEvent) -> tuple[object, ...]:
    return (event.customer, event.metric, event.at, event.quantity, event.corrects, event.value)


def _stored_content(row: UsageEvent) -> tuple[object, ...]:
    return (
        *(row.customer_id, row.metric_id, row.occurred_at, row.quantity),
        *(row.corrects, row.value),
    )


def in_range(row: UsageBackfill) -> Any:
    return UsageEvent.objects.filter(
        customer=row.customer_id,
        metric=row.metric_id,
        occurred_at__gte=row.starts_at,
        occurred_at__lt=row.ends_at,
    ).order_by("pk")


def _voids(row: UsageBackfill, kept: Collection[str]) -> list[NewEvent]:
    """Rows that bring each event in the range to 0, but those that the input has again."""
    zone = reports.time_zone(row.customer_id)
    nets = net_events(in_range(row))
    live = [each for each in nets.values() if each.is_live and each.event_id not in kept]
    return [_void(row, each, place, zone) for place, each in enumerate(live)]


def _void(row: UsageBackfill, net: NetEvent, place: int, zone: str) -> NewEvent:
    metric, newest = row.metric, net.newest
    return NewEvent(
        row.customer_id or 0,
        row.metric_id or 0,
        metric.kind if metric else "",
        zone,
        net.at,
        -net.quantity,
        VOIDS,
        f"backfill-{row.pk}-{place}",
        net.event_id,
        -net.counts,
        newest.value if newest else "",
        metric.aggregation if metric else "",
        newest.day if newest else None,
    )


def reversal(row: UsageBackfill) -> list[NewEvent]:
    """The exact negative of every stored row of a backfill, in the day in which it counts."""
    stored = UsageEvent.objects.filter(backfill=row.pk).select_related("metric", "customer")
    return [
        NewEvent(
            each.customer_id,
            each.metric_id,
            each.metric.kind,
            each.customer.time_zone,
            each.occurred_at,
            -each.quantity,
            VOIDS,
            f"revert-{row.pk}-{each.pk}",
            each.corrects if each.source == VOIDS else each.event_id,
            -each.counts,
            each.value,
            each.metric.aggregation,
            each.day,
        )
        for each in stored.order_by("occurred_at", "pk")
    ]


def stored_keys(row: UsageBackfill) -> list[str]:
    """The keys of the events that a backfill stored; its revert gives them back."""
    stored = UsageEvent.objects.filter(backfill=row.pk).exclude(source=VOIDS)
    return [
        EventInput(event_id, "", "", Decimal(0), at, source=source).key
        for event_id, at, source in stored.values_list("event_id", "occurred_at", "source")
    ]
