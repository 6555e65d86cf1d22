"""What a backfill would change: days, money of closed periods, alerts.

Days are added up in memory. Alerts and bills are read from them in one short transaction a client,
which is rolled back: no writer waits for a whole preview.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from aethercrown.db import ingest
from aethercrown.db.bulk import stamp
from aethercrown.db.fields import MILLION
from aethercrown.db.ingest import MergeRule
from enterprise.usage import reports
from enterprise.usage.metering.metric_kinds import (
    GAUGE_AGGREGATIONS,
    LOOKED_FOR,
    MetricAggregation,
    SpanTotals,
)
from enterprise.usage.metering.months import month_of, today_in
from enterprise.usage.models import UsageDay, UsageEvent, UsageValue
from enterprise.usage.reports import backfills
from enterprise.usage.reports.backfills import CurrentBill, DayKey, DayTotals
from enterprise.usage.services import booking, rebuild, store, thresholds, values
from enterprise.usage.services.backfill_plan import BackfillPlan
from enterprise.usage.services.store import PlacedEvent
from enterprise.usage.services.voided import live_events
from revenue.customers import reports as customers

MAX_EVALUATED = 200  # clients whose alerts are looked for
ZERO = Decimal(0)
WRITTEN = MergeRule(replaced=("count", "quantity", "most", "last", "last_at", "is_booked"))


class ChangedDay(NamedTuple):
    """A day that the backfill touches."""

    key: DayKey
    aggregation: str
    before: Decimal  # its figure by the metric's aggregation
    after: Decimal
    events: int  # more than before
    totals: SpanTotals  # after it


class ClientEffect(NamedTuple):
    """What the backfill would do to one client."""

    alerts: list[dict[str, Any]]
    before: CurrentBill | None = None
    after: CurrentBill | None = None


def shown(plan: BackfillPlan, before: DayTotals, now: datetime) -> dict[str, Any]:
    """The preview in the API's fields."""
    placed = plan.placed(now)
    changed = changed_days(placed, before)
    closed = backfills.closed_months((each.key for each in changed), now)
    clients, metrics = names(plan, changed)
    evaluated = _evaluated(changed, now)
    billed = sorted({key[0] for key in closed if key[0] > 0})[: backfills.MAX_BILLED]
    effects = {
        key: _effect(
            key, placed, changed, now, is_evaluated=key in evaluated, is_billed=key in billed
        )
        for key in sorted({*evaluated[:MAX_EVALUATED], *billed})
    }
    periods = [
        {**_named(key, clients, metrics), "period_start": key[2].isoformat()}
        for key in sorted(closed)
    ]
    adjustments = [
        adjustment(key, clients[key], each) for key, each in effects.items() if each.before
    ]
    return {
        **plan.counts(),
        "items": backfills.listed(plan.batch),
        "days": _day_fields(changed, clients, metrics)[: backfills.MAX_LISTED],
        "closed_periods": periods,
        "adjustments": adjustments,
        "alerts": [alert for each in effects.values() for alert in each.alerts],
        "not_evaluated": max(0, len(evaluated) - MAX_EVALUATED),
    }


def _named(
    key: DayKey, clients: Mapping[int, str], metrics: Mapping[int, str]
) -> dict[str, int | str | None]:
    customer, metric, _ = key
    known = customer if customer > 0 else None  # one below 0 is created by applying it
    return {"customer": known, "client_id": clients[customer], "metric": metrics[metric]}


def _day_fields(
    changed: Iterable[ChangedDay], clients: Mapping[int, str], metrics: Mapping[int, str]
) -> list[dict[str, Any]]:
    """The days that change, before and after."""
    return [
        {
            **_named(each.key, clients, metrics),
            "day": each.key[2].isoformat(),
            "before": number(each.before),
            "after": number(each.after),
            "difference": number(each.after - each.before),
            "events": each.events,
        }
        for each in changed
        if each.before != each.after or each.events
    ]


def number(value: Decimal) -> int | float:
    whole = int(value)
    return whole if whole == value else float(value)


def names(
    plan: BackfillPlan, changed: Iterable[ChangedDay]
) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """The ids of clients and the codes of metrics, by their numbers."""
    keys = [each.key for each in changed]
    clients = customers.external_ids({key[0] for key in keys if key[0] > 0})
    metrics = reports.metrics_by_id({key[1] for key in keys if key[1] > 0})
    codes = {pk: each.code for pk, each in metrics.items()}
    return {**clients, **plan.names}, {**codes, **plan.names}


def changed_days(placed: Iterable[PlacedEvent], before: DayTotals) -> list[ChangedDay]:
    """Each touched day as it is and as it would be."""
    found: dict[DayKey, list[PlacedEvent]] = {}
    for each in placed:
        key = each.event.customer, each.event.metric, each.day
        found.setdefault(key, []).append(each)
    return [_changed_day(key, found[key], before.get(key)) for key in sorted(found)]


def _changed_day(
    key: DayKey, placed: Sequence[PlacedEvent], before: SpanTotals | None
) -> ChangedDay:
    aggregation = placed[0].event.aggregation
    added = sum_of(placed)
    after = added if before is None else before.plus(added)
    shown_by = (
        MetricAggregation.LAST if aggregation == MetricAggregation.TIME_WEIGHTED else aggregation
    )
    old = ZERO if before is None else before.figure(shown_by)
    if aggregation in LOOKED_FOR:
        left = _left(key, placed)
        most, last, last_at = (
            (ZERO, ZERO, after.last_at) if left is None else (left.most, left.last, left.last_at)
        )
        after = SpanTotals(after.count, after.quantity, most, last, last_at)
    if aggregation == MetricAggregation.UNIQUE:
        stored = _values(key)
        old, new = _different(stored, ()), _different(stored, placed)
    else:
        new = after.figure(shown_by)
    return ChangedDay(key, aggregation, old, new, added.count, after)


def sum_of(placed: Sequence[PlacedEvent]) -> SpanTotals:
    """The totals of some events, at least one."""
    spans = []
    for each in placed:
        quantity = each.event.quantity
        spans.append(SpanTotals(each.event.counts, quantity, quantity, quantity, each.event.at))
    return reduce(SpanTotals.plus, spans)


def _left(key: DayKey, placed: Sequence[PlacedEvent]) -> SpanTotals | None:
    """The largest and the latest of a day's events that are not taken out."""
    zone = ZoneInfo(placed[0].event.zone)
    stored = rebuild.events_of_day(*key, zone)
    new = [
        UsageEvent(
            event_id=each.event.event_id,
            source=each.event.source,
            corrects=each.event.corrects,
            occurred_at=each.event.at,
            quantity=each.event.quantity,
            counts=each.event.counts,
        )
        for each in placed
    ]
    return rebuild.total_of(live_events([*stored, *new]))


def _values(key: DayKey) -> dict[str, int]:
    rows = UsageValue.objects.filter(customer=key[0], metric=key[1], day=key[2])
    return {value.hex: count for value, count in rows.values_list("value", "count")}


def _different(stored: Mapping[str, int], placed: Iterable[PlacedEvent]) -> Decimal:
    found = dict(stored)
    for each in placed:
        name = UUID(values.digest(each.event.value)).hex
        found[name] = found.get(name, 0) + each.event.counts
    return Decimal(sum(count > 0 for count in found.values()))


def _evaluated(changed: Iterable[ChangedDay], now: datetime) -> list[int]:
    """The clients with a limit whose present period is touched."""
    listed = [each for each in changed if each.key[0] > 0]
    ids = {each.key[0] for each in listed}
    limits = reports.limits_in_force(ids, now)
    zones = customers.time_zones(ids)
    months = {key: month_of(today_in(zone, now)) for key, zone in zones.items()}
    return sorted(
        {
            each.key[0]
            for each in listed
            if each.key[:2] in limits
            and (
                each.aggregation in GAUGE_AGGREGATIONS
                or month_of(each.key[2]) == months[each.key[0]]
            )
        }
    )


def _effect(
    customer: int,
    placed: Iterable[PlacedEvent],
    changed: Iterable[ChangedDay],
    now: datetime,
    *,
    is_evaluated: bool,
    is_billed: bool,
) -> ClientEffect:
    """Write a client's days, evaluate and bill it, and roll all of it back."""
    mine = [each for each in placed if each.event.customer == customer]
    before = backfills.current_bill(customer, now) if is_billed else None
    after, alerts = None, []
    with transaction.atomic():
        store.lock_clients([customer], now)
        store.lock_series([each.event for each in mine], now)
        _write_days(each for each in changed if each.key[0] == customer)
        values.count(each for each in mine if each.event.aggregation == MetricAggregation.UNIQUE)
        if is_evaluated:
            alerts = [_alert_fields(each) for each in thresholds.evaluate(customer, now)]
        if is_billed:
            booking.book_closed_days(now, [customer])
            after = backfills.current_bill(customer, now)
        transaction.set_rollback(True)
    return ClientEffect(alerts, before, after)


def _write_days(changed: Iterable[ChangedDay]) -> None:
    rows = [
        (
            *(each.key[0], each.key[1], each.key[2].isoformat()),
            *(each.totals.count, int(each.totals.quantity * MILLION)),
            *(int(each.totals.most * MILLION), int(each.totals.last * MILLION)),
            *(stamp(each.totals.last_at), False),
        )
        for each in changed
    ]
    ingest.merge(UsageDay, ("customer_id", "metric_id", "day"), WRITTEN, rows)


def _alert_fields(alert: Any) -> dict[str, Any]:
    return {
        "customer": alert.customer_id,
        "metric": alert.metric.code,
        "threshold": float(alert.percent),
        "severity": alert.severity,
    }


def adjustment(customer: int, client_id: str, found: ClientEffect) -> dict[str, Any]:
    """What the adjustments of closed periods bill or credit; null with the reason."""
    before, after = found.before, found.after
    amount = None
    if before and after and before.total is not None and after.total is not None:
        amount = float(after.total - before.total)
    return {
        "customer": customer,
        "client_id": client_id,
        "currency": before.currency if before else "",
        "amount": amount,
        "reason": before.reason if before else "",
    }
