"""Take in readings: a gauge's value, or the rise of a counter over its previous reading."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from enterprise.usage import reports
from enterprise.usage.metering import readings
from enterprise.usage.metering.event_input import ItemStatus
from enterprise.usage.metering.metric_kinds import MetricAggregation, MetricKind
from enterprise.usage.metering.months import month_of, today_in
from enterprise.usage.metering.readings import CounterReading
from enterprise.usage.models import UsageLimit, UsageReading
from enterprise.usage.reports import MetricRecord
from enterprise.usage.services import metrics, partitions, store
from enterprise.usage.services.store import NewEvent
from revenue.customers import reports as customers
from revenue.customers import services as customer_services
from revenue.customers.reports import ClientRecord

EVENT_SOURCE = "readings"
clock = timezone.now


class UnknownNames(ValueError):
    """The client, or metrics, are not known, and staff do not accept unknown ones."""

    def __init__(self, *, client: bool, metrics: Sequence[str]) -> None:
        super().__init__("The client or a metric is not known here.")
        self.client, self.metrics = client, metrics


class NeedsEvents(ValueError):
    """Metrics of different values have no readings: each value comes in an event."""

    def __init__(self, metrics: Sequence[str]) -> None:
        super().__init__(f"{', '.join(metrics)}: send events, each with its value.")
        self.metrics = metrics


class ReadingConflicts(Exception):
    """Readings of this time have other values; nothing is stored."""


@dataclass(frozen=True, slots=True)
class TrackedReadings:
    """The client, and what became of the reading of each metric."""

    customer: int
    statuses: Mapping[str, ItemStatus]


@transaction.atomic
def track(
    client_id: str,
    current: Mapping[str, Decimal],
    limits: Mapping[str, Decimal],
    *,
    recorded_at: datetime,
    by: str,
    now: datetime,
) -> TrackedReadings:
    """Store the values of metrics at a moment, and limits that are valid from it.

    Raises UnknownNames, NeedsEvents and ReadingConflicts.
    """
    recorded_at = recorded_at.astimezone(UTC)
    client, known = _resolve(client_id, current, limits, now)
    series = [
        NewEvent(client.customer, each.pk, each.kind, client.time_zone, recorded_at, current[code],
                 EVENT_SOURCE, "", aggregation=each.aggregation)
        for code, each in known.items() if code in current
    ]  # fmt: skip
    _lock(client, series, recorded_at, now)
    statuses: dict[str, ItemStatus] = {}
    events: list[NewEvent] = []
    for each in sorted(series, key=lambda event: event.metric):
        code = next(code for code, metric in known.items() if metric.pk == each.metric)
        statuses[code] = _track_one(each, events, now)
    if conflicts := [code for code, each in statuses.items() if each is ItemStatus.CONFLICT]:
        words = f"At {recorded_at.isoformat()} there are other readings of {', '.join(conflicts)}."
        raise ReadingConflicts(words)
    store.store(events, now=now)
    metrics.set_limits(
        client.customer,
        {known[code].pk: quantity for code, quantity in limits.items()},
        valid_from=recorded_at,
        source=UsageLimit.Source.API,
        by=by,
        now=now,
    )
    return TrackedReadings(client.customer, statuses)


def _lock(
    client: ClientRecord, series: Sequence[NewEvent], recorded_at: datetime, now: datetime
) -> None:
    partitions.make_months(partitions.months_of([recorded_at]))
    store.lock_clients([client.customer], now)
    store.lock_series(series, now)


def _resolve(
    client_id: str, current: Collection[str], limits: Collection[str], now: datetime
) -> tuple[ClientRecord, dict[str, MetricRecord]]:
    makes_clients = reports.usage_policy().accept_unknown_clients
    found = (customer_services.ensure_clients if makes_clients else customers.clients)([client_id])
    codes = {*current, *limits}
    known = metrics.ensure_metrics(codes, now)
    missing = sorted(codes - known.keys())
    if client_id not in found or missing:
        raise UnknownNames(client=client_id not in found, metrics=missing)
    if unique := [code for code in current if known[code].aggregation == MetricAggregation.UNIQUE]:
        raise NeedsEvents(sorted(unique))
    return found[client_id], known


def _track_one(event: NewEvent, events: list[NewEvent], now: datetime) -> ItemStatus:
    """Store one reading, and add its events to `events`; its metric is locked."""
    rows = UsageReading.objects.filter(customer=event.customer, metric=event.metric)
    stored = rows.filter(recorded_at=event.at).first()
    if stored is not None:
        return ItemStatus.DUPLICATE if stored.value == event.quantity else ItemStatus.CONFLICT
    row = UsageReading.objects.create(
        customer_id=event.customer,
        metric_id=event.metric,
        recorded_at=event.at,
        value=event.quantity,
        received_at=now,
    )
    if event.kind == MetricKind.GAUGE:
        events.append(event._replace(event_id=f"reading-{row.pk}"))
    else:
        events += _rises(event, row)
    return ItemStatus.ACCEPTED


def _rises(event: NewEvent, row: UsageReading) -> Iterator[NewEvent]:
    """The rise of a counter's reading, and the correction of its successor's."""
    rows = UsageReading.objects.filter(customer=event.customer, metric=event.metric)
    before = rows.filter(recorded_at__lt=event.at).order_by("-recorded_at").first()
    after = rows.filter(recorded_at__gt=event.at).order_by("recorded_at").first()
    found = readings.insert(
        _plain(before),
        CounterReading(event.at, event.quantity),
        _plain(after),
        lambda at: month_of(today_in(event.zone, at)),
    )
    if found.rise.is_reset:
        rows.filter(pk=row.pk).update(is_reset=True)
    yield event._replace(event_id=f"reading-{row.pk}", quantity=found.rise.quantity)
    if after is None or found.successor is None:
        return
    if after.is_reset != found.successor.is_reset:
        rows.filter(pk=after.pk).update(is_reset=found.successor.is_reset)
    if found.correction is not None:
        yield event._replace(
            at=after.recorded_at,
            event_id=f"reading-{row.pk}-next",
            quantity=found.correction,
            corrects=f"reading-{after.pk}",
            counts=0,
        )


def _plain(row: UsageReading | None) -> CounterReading | None:
    return None if row is None else CounterReading(row.recorded_at, Decimal(row.value))
