"""Store events and their rollups in the caller's transaction, each row locked in one order.

The order of locks: months that are made, clients to evaluate, metrics of clients, events, hours,
days.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction

from aethercrown.db import bulk, ingest
from aethercrown.db.bulk import WriteStatement
from aethercrown.db.fields import MILLION
from aethercrown.db.ingest import MergeRule, RepeatRule
from enterprise.usage import wake_worker
from enterprise.usage.metering.metric_kinds import MetricAggregation, MetricKind
from enterprise.usage.models import (
    ClientMetric,
    DirtyClient,
    UsageAdjustment,
    UsageDay,
    UsageEvent,
    UsageHour,
)
from enterprise.usage.services import averages, partitions, values

REPEATED_WITHIN = timedelta(minutes=10)  # of receipt, for the flag of a possible duplicate
TOTALS = MergeRule(added=("count", "quantity"), largest=("most",), latest=("last_at", "last"))
DAY_TOTALS = replace(TOTALS, replaced=("is_booked",))
SEEN = MergeRule(largest=("last_at", "last_received_at"), initial=("armings", "open_alerts"))
WAITING = MergeRule(smallest=("since",))  # the first change since the last evaluation
EVENT_COLUMNS = (
    *("customer_id", "metric_id", "occurred_at", "received_at", "quantity", "source"),
    *("event_id", "corrects", "counts", "is_late", "backfill_id", "value", "day"),
)
# what came within ten minutes under another id: clients that retry with a new id pay twice
REPEATED = RepeatRule(
    "possible_duplicate", ("customer_id", "metric_id", "occurred_at", "quantity"), "received_at"
)
HOUR_KEYS, DAY_KEYS = (("customer_id", "metric_id", each) for each in ("hour", "day"))


class NewEvent(NamedTuple):
    """An event whose id was claimed; `at` is in UTC.

    `day` is given where it counts in another event's day.
    """

    customer: int
    metric: int
    kind: str
    zone: str
    at: datetime
    quantity: Decimal
    source: str
    event_id: str
    corrects: str = ""
    counts: int = 1  # 0 of a correction, -1 of a row that voids another
    value: str = ""
    aggregation: str = MetricAggregation.SUM
    day: date | None = None


class PlacedEvent(NamedTuple):
    """An event with the hour and the day in which it counts."""

    event: NewEvent
    millionths: int
    stamped: str  # its time and hour, as the driver takes them
    hour: str
    day: date
    is_late: bool  # its billing period ended before it came


class EventWrites(NamedTuple):
    """What stores some events; made without a lock of the database."""

    placed: Sequence[PlacedEvent]
    statements: Sequence[WriteStatement]


def store(events: Sequence[NewEvent], *, now: datetime, backfill: int | None = None) -> None:
    """Store events, add them to the rollups, and have their clients evaluated after the commit."""
    execute(writes(events, now=now, backfill=backfill), now=now, backfill=backfill)


def writes(
    events: Sequence[NewEvent], *, now: datetime, backfill: int | None = None
) -> EventWrites:
    placed = placed_events(events, now)
    return EventWrites(
        placed,
        (
            _waiting({each.customer for each in events}, now),
            _seen(events, now),
            _insertion(placed, now, backfill),
            _rollups(UsageHour, HOUR_KEYS, placed, _hour_key, TOTALS),
            _rollups(UsageDay, DAY_KEYS, placed, _day_key, DAY_TOTALS),
        ),
    )


@transaction.atomic(savepoint=False)
def execute(made: EventWrites, *, now: datetime, backfill: int | None = None) -> None:
    """Store the events of `writes`, whose ids were claimed in this transaction."""
    placed = made.placed
    if not placed:
        return
    months = partitions.months_of(each.event.at for each in placed)
    partitions.insert_events(lambda: bulk.run(made.statements), months, now)
    _by_aggregation(placed)
    _adjust([each for each in placed if each.is_late], now, backfill)
    transaction.on_commit(wake_worker.wake_worker, robust=True)


def placed_events(events: Iterable[NewEvent], now: datetime) -> list[PlacedEvent]:
    """Each event with its hour in UTC and its day in the client's time zone."""
    zones: dict[str, tuple[ZoneInfo | None, date]] = {}
    hours: dict[datetime, Any] = {}
    written = bulk.stamper()
    found = []
    for event in events:
        at = event.at
        if event.zone not in zones:
            zone = ZoneInfo(event.zone)
            this_month = now.astimezone(zone).date().replace(day=1)
            zones[event.zone] = (None if event.zone == "UTC" else zone), this_month
        own_zone, this_month = zones[event.zone]
        day = event.day or (at.astimezone(own_zone) if own_zone else at).date()
        hour = at.replace(minute=0, second=0, microsecond=0)
        if hour not in hours:
            hours[hour] = written(hour)
        is_late = event.kind == MetricKind.COUNTER and day < this_month
        millionths = int(event.quantity * MILLION)
        found.append(PlacedEvent(event, millionths, written(at), hours[hour], day, is_late))
    return found


def lock_clients(customer_ids: Collection[int], now: datetime) -> None:
    """Note clients whose use changes; an evaluation of one of them is waited for."""
    bulk.run([_waiting(customer_ids, now)])


def _waiting(customer_ids: Collection[int], now: datetime) -> WriteStatement:
    since = bulk.stamper()(now)
    rows = [(key, since) for key in sorted(customer_ids)]
    return ingest.merging(DirtyClient, ("customer_id",), WAITING, rows)


def lock_series(events: Iterable[NewEvent], now: datetime) -> None:
    """Lock the row of each client and metric, created where there is none."""
    bulk.run([_seen(events, now)])


def _seen(events: Iterable[NewEvent], now: datetime) -> WriteStatement:
    newest: dict[tuple[int, int], datetime] = {}
    for each in events:
        key = each.customer, each.metric
        newest[key] = max(each.at, newest.get(key, each.at))
    written = bulk.stamper()
    received = written(now)
    rows = [(*key, written(at), received, "{}", "[]") for key, at in sorted(newest.items())]
    return ingest.merging(ClientMetric, ("customer_id", "metric_id"), SEEN, rows)


def _insertion(
    placed: Sequence[PlacedEvent], now: datetime, backfill: int | None
) -> WriteStatement:
    """Insert events; one that came before under another id is flagged, but none of a backfill."""
    written = bulk.stamper()
    received, since = written(now), written(now - REPEATED_WITHIN)
    seen: set[Hashable] = set()
    rows = []
    for each in placed:
        event = each.event
        key = (event.customer, event.metric, each.stamped, each.millionths)
        is_plain = not event.corrects and backfill is None
        flag = (True if key in seen else None) if is_plain else False
        seen.add(key)
        rows.append(
            (
                *(event.customer, event.metric, each.stamped, received, each.millionths),
                *(event.source, event.event_id, event.corrects, event.counts, each.is_late),
                *(backfill, event.value, each.day.isoformat(), flag),
            )
        )
    return ingest.flagged_insertion(UsageEvent, EVENT_COLUMNS, REPEATED, since, rows)


def _hour_key(each: PlacedEvent) -> tuple[int, int, Any]:
    return each.event.customer, each.event.metric, each.hour


def _day_key(each: PlacedEvent) -> tuple[int, int, Any]:
    return each.event.customer, each.event.metric, each.day.isoformat()


def _rollups(
    model: type[UsageHour | UsageDay],
    keys: Sequence[str],
    placed: Iterable[PlacedEvent],
    key_of: Callable[[PlacedEvent], tuple[int, int, Any]],
    rule: MergeRule,
) -> WriteStatement:
    totals: dict[tuple[int, int, Any], list[Any]] = {}
    for each in placed:
        quantity, at = each.millionths, each.event.at
        found = totals.get(key := key_of(each))
        if found is None:
            totals[key] = [each.event.counts, quantity, quantity, at, quantity, each.stamped]
            continue
        found[0] += each.event.counts
        found[1] += quantity
        found[2] = max(found[2], quantity)
        if (at, quantity) > (found[3], found[4]):
            found[3:] = at, quantity, each.stamped
    more = [False] if rule.replaced else []
    rows = [
        (*key, count, quantity, most, last_at, last, *more)
        for key, (count, quantity, most, _, last, last_at) in sorted(totals.items())
    ]
    return ingest.merging(model, keys, rule, rows)


def _by_aggregation(placed: Sequence[PlacedEvent]) -> None:
    """Keep what sums do not hold: the values of unique metrics, the averages of gauges."""
    unique = [each for each in placed if each.event.aggregation == MetricAggregation.UNIQUE]
    if unique:
        values.count(unique)
    averaged = {
        (each.event.customer, each.event.metric, each.day)
        for each in placed
        if each.event.aggregation == MetricAggregation.TIME_WEIGHTED
    }
    if averaged:
        averages.refresh(averaged)


def _adjust(late: Iterable[PlacedEvent], now: datetime, backfill: int | None) -> None:
    """Note what came after its billing period had ended, in the open period."""
    found: dict[tuple[int, int, date, date], list[int]] = {}
    for each in late:
        this = now.astimezone(ZoneInfo(each.event.zone)).date().replace(day=1)
        key = (each.event.customer, each.event.metric, each.day.replace(day=1), this)
        totals = found.setdefault(key, [0, 0])
        totals[0] += 1
        totals[1] += each.millionths
    UsageAdjustment.objects.bulk_create(
        UsageAdjustment(
            customer_id=customer,
            metric_id=metric,
            period_start=start,
            open_period_start=this,
            count=count,
            quantity=Decimal(millionths).scaleb(-6),
            recorded_at=now,
            backfill_id=backfill,
        )
        for (customer, metric, start, this), (count, millionths) in sorted(found.items())
    )
