"""Store the demo company's usage events, limits and a backfill."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from aethercrown import demo
from aethercrown.demo import Seeding
from enterprise import models
from enterprise.usage import services
from enterprise.usage.metering.event_input import EventInput
from enterprise.usage.metering.metric_kinds import MetricKind
from enterprise.usage.reports.levels import levels_of
from enterprise.usage.services import backfill, booking, store, thresholds
from enterprise.usage.services.store import NewEvent
from operations.decisions import reports as decisions
from revenue.billing import reports as billing
from revenue.billing.services import usage as billed_use
from revenue.customers import reports as customers

CLIENTS, DAYS = 10, 35
BATCH = 5_000
DEMO = "demo"
NEVER = datetime.min.replace(tzinfo=UTC)
METRICS = (  # code, title, unit, kind, usual quantity of an event
    ("api_calls", "API calls", "calls", MetricKind.COUNTER, 12),
    ("exports", "Exports", "files", MetricKind.COUNTER, 2),
    ("storage_gb", "Storage", "GB", MetricKind.GAUGE, 80),
)
LIMIT_SHARES = (Decimal("1.02"), Decimal("1.2"), Decimal(3))  # of what is used this month
LOST = [  # events of the backfill
    EventInput(f"demo-lost-{place}", "", "api_calls", Decimal(40 + place), NEVER, source=DEMO)
    for place in range(5)
]
TABLES = (  # rows that others refer to come first
    *(models.UsageMetric, models.UsageLimit, models.UsageBackfill, models.ClientMetric),
    *(models.UsageHour, models.UsageDay, models.UsageAdjustment, models.UsageAlert),
    models.UsageEvent,
)


def seed(seeding: Seeding) -> None:
    """Store DEMO_USAGE_EVENTS events of a few demo customers, some limits, and a backfill."""
    chosen = _clients(seeding)
    if not chosen or models.UsageEvent.objects.exists():
        return
    known = {each.pk for each in models.UsageMetric.objects.all()}
    events = _events(seeding, chosen, settings.DEMO_USAGE_EVENTS)
    for start in range(0, len(events), BATCH):
        store.store(events[start : start + BATCH], now=seeding.now)
    _set_limits(chosen, seeding.now)
    _backfill(seeding, chosen[0])
    booked = billed_use.newest_row()
    booking.book_closed_days(seeding.now, chosen)
    thresholds.evaluate_dirty(seeding.now)
    for model in TABLES:
        rows = model._default_manager.order_by("pk")  # noqa: SLF001 - documented
        seeding.keep(rows.exclude(pk__in=known) if model is models.UsageMetric else rows)
    seeding.keep(billed_use.rows_after(booked))


def _clients(seeding: Seeding) -> list[int]:
    """Demo customers with a plan, and without use that billing has already."""
    keys = demo.keys_of("revenue.customer")
    first = seeding.today - timedelta(days=2 * DAYS)
    known = billing.readings(keys, first, seeding.today)
    return [key for key in sorted(customers.active_plans(keys)) if key not in known][:CLIENTS]


def _events(seeding: Seeding, chosen: Sequence[int], most: int) -> list[NewEvent]:
    """The same number of events for each client, day and metric, up to yesterday."""
    metrics = [
        (services.define_metric(code, title=title, unit=unit, kind=kind, now=seeding.now), usual)
        for code, title, unit, kind, usual in METRICS
    ]
    spans = len(chosen) * DAYS * len(metrics)
    each_day = max(1, most // spans)
    yesterday = datetime.combine(seeding.today, time(1), UTC) - timedelta(days=1)
    random = seeding.random
    found = []
    for customer in chosen:
        scale = float(random.lognormal(0, 0.6))
        for metric, usual in metrics:
            for ago in range(DAYS):
                noise = random.lognormal(-0.02, 0.2, each_day)
                minutes = random.integers(0, 22 * 60, each_day)
                for place in range(each_day):
                    at = yesterday - timedelta(days=ago) + timedelta(minutes=int(minutes[place]))
                    quantity = Decimal(max(1, round(usual * scale * float(noise[place]))))
                    name = f"demo-{customer}-{metric.code}-{ago}-{place}"
                    found.append(
                        NewEvent(customer, metric.pk, metric.kind, "UTC", at, quantity, DEMO, name)
                    )
    return found[:most]


def _set_limits(chosen: Sequence[int], now: datetime) -> None:
    """Limits near the use of some clients, so that there are alerts to look at."""
    for place, customer in enumerate(chosen):
        share = LIMIT_SHARES[place % len(LIMIT_SHARES)]
        limits = {
            each.metric.pk: Decimal(max(1, round(each.used * share)))
            for each in levels_of([customer], now).get(customer, [])
        }
        source = models.UsageLimit.Source.STAFF
        services.set_limits(customer, limits, valid_from=now, source=source, by=DEMO, now=now)


def _backfill(seeding: Seeding, customer: int) -> None:
    """Use of a day that a collector had lost, previewed and applied."""
    client_id, _, _ = customers.identity(customer)
    at = datetime.combine(seeding.today - timedelta(days=DAYS + 5), time(9), UTC)
    items: list[dict[str, Any]] = [
        {
            "event_id": each.event_id,
            "client_id": client_id,
            "metric": each.metric,
            "quantity": each.quantity,
            "timestamp": (at + timedelta(minutes=place)).isoformat(),
            "source": DEMO,
        }
        for place, each in enumerate(LOST)
    ]
    row = backfill.preview(items, None, by=DEMO, now=seeding.now)
    backfill.apply(row.pk, row.digest, by=DEMO, now=seeding.now)
    seeding.keep(decisions.about([f"backfill {row.pk}"]))


def release() -> list[str]:
    """Delete what automations added to the demo company's clients: alerts, and limits of plans."""
    keys = demo.keys_of("revenue.customer")
    plan_limits = models.UsageLimit.objects.filter(
        customer__in=keys, source=models.UsageLimit.Source.PLAN
    )
    states = models.ClientMetric.objects.filter(customer__in=keys)
    states.filter(limit_version__in=plan_limits).update(limit_version=None)
    models.UsageAlert.objects.filter(customer__in=keys).delete()
    models.EventKey.objects.filter(pk__in=[each.key for each in LOST]).delete()
    plan_limits.delete()
    return []
