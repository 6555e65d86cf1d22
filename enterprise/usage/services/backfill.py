"""Older use: previewed by applying it and rolling back, then applied, and reverted row by row.

The preview's digest covers the input and the days that it touches: what was shown is what is
applied, or nothing is. Thresholds are evaluated once, after the commit.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from json import dumps
from typing import Any

from django.db import transaction

from aethercrown.text import storable_json
from aethercrown.transitions import check_transition
from enterprise.usage import reports
from enterprise.usage.event_input import EventInput, InputProblem, ItemStatus
from enterprise.usage.models import UsageAlert, UsageBackfill, UsageEvent
from enterprise.usage.reports import backfills
from enterprise.usage.reports.backfills import DayKey
from enterprise.usage.services import booking, rebuild, store, thresholds, track
from enterprise.usage.services.store import NewEvent
from enterprise.usage.services.track import KnownNames, TrackedBatch

VOIDS = "backfill"  # the source of rows that take others out, or back in
State = UsageBackfill.State
STEPS: Mapping[str, Collection[str]] = {
    State.PREVIEWED: {State.APPLIED},
    State.APPLIED: {State.REVERTED},
}
DAYS_OF_A_MONTH = 31
MAX_REPLACED = 50_000  # events in the range of one backfill


class PreviewOutdated(Exception):
    """What the backfill touches has changed since its preview."""


class InvalidRange(ValueError):
    """The range to replace is not valid; `problems` has every bad field."""

    def __init__(self, *problems: InputProblem) -> None:
        super().__init__("; ".join(f"{each.field} {each.message}" for each in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class BackfillRange:
    """What a backfill replaces: the events of a client and metric in a span of time."""

    client_id: str
    metric: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill stores: its new events, and rows that void those it replaces."""

    batch: TrackedBatch
    events: Sequence[NewEvent]
    voids: Sequence[NewEvent]

    @property
    def rows(self) -> list[NewEvent]:
        return [*self.voids, *self.events]

    def touched(self, now: datetime) -> set[DayKey]:
        placed = store.placed_events(self.rows, now)
        return {(each.event.customer, each.event.metric, each.day) for each in placed}


def preview(
    items: Sequence[object], replaced: BackfillRange | None, *, by: str, now: datetime
) -> UsageBackfill:
    """Store the input with what applying it would do. Raises InvalidRange."""
    row = UsageBackfill(
        mode=UsageBackfill.Mode.REPLACE if replaced else UsageBackfill.Mode.ADD,
        events=[stored_item(each) for each in items],
        preview={},
        previewed_at=now,
        previewed_by=by[:200],
    )
    with transaction.atomic():
        if replaced:
            _set_range(row, replaced, now)
        shown = _simulated(row, now)
        row.pk, row.digest, row.preview = None, shown.pop("digest"), shown
        row.save(force_insert=True)
    return row


def stored_item(item: object) -> Any:
    """An event as JSON keeps it; a Decimal becomes a float where that is the same number."""
    if not isinstance(item, Mapping):
        return storable_json(item)
    plain = {
        name: float(value)
        if isinstance(value, Decimal) and Decimal(repr(float(value))) == value
        else value
        for name, value in item.items()
    }
    return storable_json(plain)


def _set_range(row: UsageBackfill, replaced: BackfillRange, now: datetime) -> None:
    named = EventInput("range", replaced.client_id, replaced.metric, Decimal(0), replaced.start)
    known = track.resolve([named], now)
    problems = known.problems(named)
    if replaced.end <= replaced.start:
        problems.append(InputProblem("to", "min_value", "must be after `from`"))
    if problems:
        raise InvalidRange(*problems)
    row.customer_id = known.clients[replaced.client_id].customer
    row.metric = known.metrics[replaced.metric]
    row.starts_at, row.ends_at = replaced.start, replaced.end
    if _in_range(row).count() > MAX_REPLACED:
        words = f"has more than {MAX_REPLACED:,} events up to `to`; take a shorter range"
        raise InvalidRange(InputProblem("from", "too_many", words))


def _simulated(row: UsageBackfill, now: datetime) -> dict[str, Any]:
    """Apply the backfill, read what changed, and roll back."""
    with transaction.atomic():
        row.save()
        shown = _tried(row, now)
        transaction.set_rollback(True)
    return shown


def _tried(row: UsageBackfill, now: datetime) -> dict[str, Any]:
    plan = _planned(row, now)
    touched = plan.touched(now)
    before = backfills.days(touched)
    customers = {each[0] for each in touched}
    closed = backfills.closed_months(touched, now)
    billed = backfills.bills({each["customer"] for each in closed}, now)
    _write(plan, row, now)
    alerts = [each for key in sorted(customers) for each in thresholds.evaluate(key, now)]
    if billed:
        booking.book_closed_days(now, billed.keys())
    return {
        "digest": _digest(row, before),
        **{each.value: plan.batch.count(each) for each in ItemStatus},
        "voided": len(plan.voids),
        "items": backfills.listed(plan.batch),
        "days": backfills.compared(before, backfills.days(touched)),
        "closed_periods": closed,
        "adjustments": backfills.changed_bills(billed, now),
        "alerts": [_alert_fields(each) for each in alerts],
    }


def _alert_fields(alert: UsageAlert) -> dict[str, Any]:
    return {
        "customer": alert.customer_id,
        "metric": alert.metric.code,
        "threshold": float(alert.percent),
        "severity": alert.severity,
    }


def _planned(row: UsageBackfill, now: datetime) -> BackfillPlan:
    """Read the input, claim the ids of what is new, and find what is replaced."""
    batch, events, known = track.read_batch(row.events, now, window=None)
    for place, event in list(events.items()):
        if problems := _outside(row, event, known):
            track.reject(batch.items[place], problems)
            del events[place]
    named = {event.event_id for event in events.values()}
    track.mark_stored(events, batch.items, known)
    months = reports.usage_policy().raw_months
    expires_at = now + timedelta(days=DAYS_OF_A_MONTH * months)
    accepted = track.claim(events, batch.items, expires_at=expires_at)
    voids = _voids(row, named) if row.mode == UsageBackfill.Mode.REPLACE else []
    return BackfillPlan(batch, [known.placed(each) for each in accepted], voids)


def _outside(row: UsageBackfill, event: EventInput, known: KnownNames) -> list[InputProblem]:
    """Why an event is not of the range that is replaced."""
    if row.mode != UsageBackfill.Mode.REPLACE or row.starts_at is None or row.ends_at is None:
        return []
    placed = known.placed(event)
    problems = []
    if placed.customer != row.customer_id:
        problems.append(InputProblem("client_id", "outside", "is not the client of the range"))
    if placed.metric != row.metric_id:
        problems.append(InputProblem("metric", "outside", "is not the metric of the range"))
    if not row.starts_at <= event.at < row.ends_at:
        problems.append(InputProblem("timestamp", "outside", "is outside the range"))
    return problems


def _in_range(row: UsageBackfill) -> Any:
    return UsageEvent.objects.filter(
        customer=row.customer_id,
        metric=row.metric_id,
        occurred_at__gte=row.starts_at,
        occurred_at__lt=row.ends_at,
    ).order_by("occurred_at", "pk")


def _voids(row: UsageBackfill, kept_ids: set[str]) -> list[NewEvent]:
    """Rows that bring each event in the range to 0, but those that the input has again."""
    found: dict[str, list[Any]] = {}
    for event in _in_range(row):
        root = event.corrects if event.source == VOIDS else event.event_id
        net = found.setdefault(root, [Decimal(0), 0, event.occurred_at])
        net[0] += event.quantity
        net[1] += event.counts
    zone = reports.time_zone(row.customer_id)
    live = [(root, each) for root, each in found.items() if root not in kept_ids and any(each[:2])]
    return [
        NewEvent(
            row.customer_id or 0,
            row.metric_id or 0,
            row.metric.kind if row.metric else "",
            zone,
            at,
            -quantity,
            VOIDS,
            f"backfill-{row.pk}-{place}",
            root,
            -counts,
        )
        for place, (root, (quantity, counts, at)) in enumerate(live)
    ]


def _write(plan: BackfillPlan, row: UsageBackfill, now: datetime) -> None:
    store.store(plan.rows, now=now, backfill=row.pk)
    rebuild.rebuild(plan.touched(now))


def _digest(row: UsageBackfill, before: dict[DayKey, tuple[int, Decimal]]) -> str:
    """Of the input, and of the touched days as they are stored."""
    days = sorted(
        (*key[:2], str(key[2]), count, str(each)) for key, (count, each) in before.items()
    )
    parts = [row.mode, row.customer_id, row.metric_id, str(row.starts_at), str(row.ends_at)]
    text = dumps([*parts, row.events, days], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


@transaction.atomic
def apply(backfill_id: int, digest: str, *, by: str, now: datetime) -> UsageBackfill:
    """Store what was previewed. Raises InvalidTransition and PreviewOutdated."""
    row = UsageBackfill.objects.select_for_update(of=("self",)).get(pk=backfill_id)
    check_transition(str(row), row.state, State.APPLIED, STEPS)
    plan = _planned(row, now)
    store.lock_clients({each.customer for each in plan.rows}, now)
    store.lock_series(plan.rows, now)
    if digest != row.digest or _digest(row, backfills.days(plan.touched(now))) != digest:
        raise PreviewOutdated("What it touches has changed since; preview it again.")
    _write(plan, row, now)
    row.state, row.applied_at, row.applied_by = State.APPLIED, now, by[:200]
    row.save()
    return row


@transaction.atomic
def revert(backfill_id: int, *, by: str, now: datetime) -> UsageBackfill:
    """Write the exact negative of every row of the backfill, once. Raises InvalidTransition."""
    row = UsageBackfill.objects.select_for_update(of=("self",)).get(pk=backfill_id)
    check_transition(str(row), row.state, State.REVERTED, STEPS)
    stored = UsageEvent.objects.filter(backfill=row.pk).select_related("metric", "customer")
    rows = [
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
        )
        for each in stored.order_by("occurred_at", "pk")
    ]
    plan = BackfillPlan(TrackedBatch([]), [], rows)
    _write(plan, row, now)
    row.state, row.reverted_at, row.reverted_by = State.REVERTED, now, by[:200]
    row.save()
    return row
