"""A client in Lisbon with a limit of 1,000 calls a month; today is 20 March 2027."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from enterprise.usage import services
from enterprise.usage.metering.metric_kinds import MetricKind
from enterprise.usage.models import UsageDay, UsageHour, UsageMetric
from revenue.customers.models import Customer

NOW = datetime(2027, 3, 20, 12, tzinfo=UTC)
CALLS, SEATS = "api_calls", "user_seats"
HOUR = timedelta(hours=1)


@pytest.fixture
def client_row(db) -> Customer:
    return Customer.objects.create(external_id="acme", name="Acme", time_zone="Europe/Lisbon")


@pytest.fixture
def calls(db):
    return services.define_metric(
        CALLS, title="API calls", unit="calls", kind=MetricKind.COUNTER, now=NOW
    )


@pytest.fixture
def seats(db):
    return services.define_metric(
        SEATS, title="Seats", unit="seats", kind=MetricKind.GAUGE, now=NOW
    )


@pytest.fixture
def users(db):
    """Counts the different people of a month."""
    return UsageMetric.objects.create(
        code="active_users", aggregation="unique", is_confirmed=True, created_at=NOW
    )


@pytest.fixture
def storage(db):
    """Averages a gauge over time."""
    return UsageMetric.objects.create(
        code="storage_gb", kind="gauge", aggregation="time_weighted", is_confirmed=True,
        created_at=NOW,
    )  # fmt: skip


def event(event_id, quantity=5, at=NOW - HOUR, client="acme", metric=CALLS, **more):
    return {
        "event_id": event_id,
        "client_id": client,
        "metric": metric,
        "quantity": quantity,
        "timestamp": at.isoformat(),
        **more,
    }


def track(*events, atomic=True, now=NOW):
    return services.track_events(list(events), atomic=atomic, now=now)


def read(current, at=NOW, limits=None, client="acme", now=NOW):
    """Readings at a moment, as the API takes them."""
    return services.track_readings(
        client,
        {name: Decimal(str(value)) for name, value in current.items()},
        {name: Decimal(str(value)) for name, value in (limits or {}).items()},
        recorded_at=at,
        by="a test",
        now=now,
    )


def limit(customer, metric, quantity, at=NOW):
    services.set_limits(
        customer.pk, {metric.pk: Decimal(quantity)}, valid_from=at, source="staff", by="ada", now=at
    )


def days():
    """The stored days: the sum of each, by client, metric and day."""
    rows = UsageDay.objects.order_by("customer", "metric", "day")
    return {
        (row.customer.external_id, row.metric.code, row.day.isoformat()): row.quantity
        for row in rows.select_related("customer", "metric")
    }


def total(code=CALLS):
    """The sum of all hours of a metric; equal to that of all days."""
    found = [
        sum((row.quantity for row in model.objects.filter(metric__code=code)), Decimal(0))
        for model in (UsageHour, UsageDay)
    ]
    assert found[0] == found[1]
    return found[0]
