"""Thresholds alert exactly once: by period, version of the limit, and a gauge's crossings."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aethercrown.severity import CRITICAL
from enterprise.usage.models import (
    ClientMetric,
    DirtyClient,
    UsageAlert,
    UsageLimit,
    UsageThreshold,
)
from enterprise.usage.services import thresholds
from operations.alerts.models import Alert
from revenue.customers.models import Customer
from tests.enterprise.usage.conftest import CALLS, NOW, SEATS, event, limit, read, track

pytestmark = pytest.mark.django_db
APRIL = NOW + timedelta(days=20)


class Uses:
    """Brings the calls of the present period to a level, and evaluates."""

    def __init__(self, customer):
        self.customer, self.number, self.used = customer, 0, Decimal(0)

    def __call__(self, level, now=NOW):
        self.number += 1
        rise = Decimal(str(level)) - self.used
        self.used = Decimal(str(level))
        more = {"corrects": "e1"} if rise < 0 else {}
        track(event(f"e{self.number}", rise, now, **more), now=now)
        return [int(each.percent) for each in self.evaluate(now)]

    def evaluate(self, now=NOW):
        DirtyClient.objects.all().delete()
        return thresholds.evaluate(self.customer.pk, now)


@pytest.fixture
def uses(client_row, calls):
    limit(client_row, calls, 1000, NOW - timedelta(days=1))
    return Uses(client_row)


def test_the_worked_alerts(uses, client_row, calls):
    assert uses("799.999") == []
    assert uses(800) == [80]
    assert uses(780) == []
    assert uses(805) == []
    assert uses(990) == [95]
    limit(client_row, calls, 1250)
    assert uses.evaluate() == []
    assert uses(1200) == [80, 95]
    uses.used = Decimal(0)
    assert uses(1010, APRIL) == [80]
    limit(client_row, calls, 1000, APRIL)
    assert [int(each.percent) for each in uses.evaluate(APRIL)] == [95]
    assert UsageAlert.objects.count() == 6


def test_several_thresholds_at_once_are_one_message_of_the_worst(uses):
    assert uses(990) == [80, 95]
    (alert,) = Alert.objects.all()
    assert (alert.severity, alert.subject) == (CRITICAL, "API calls of Acme")
    assert alert.message.startswith("990 of 1,000 API calls used (99%).")
    assert "1 more threshold" in alert.message


def test_an_alert_ends_when_use_is_below_or_the_period_is_over(uses):
    uses(990)
    uses(100)
    assert Alert.objects.get().state == Alert.State.RESOLVED
    uses(960)
    assert Alert.objects.filter(state=Alert.State.OPEN).count() == 0  # 95 was raised before
    uses.used = Decimal(0)
    uses(10, APRIL)
    assert ClientMetric.objects.get().open_alerts == []


def test_a_limit_of_zero_is_critical_with_any_use(uses, client_row, calls):
    limit(client_row, calls, 0)
    assert uses(1) == [80, 95]


def test_without_a_limit_nothing_alerts(client_row, calls):
    assert Uses(client_row)(10**6) == []


def test_thresholds_of_a_client_beat_those_of_the_metric(uses, client_row, calls):
    UsageThreshold.objects.create(metric=calls, percent=50, severity="warning")
    assert uses(500) == [50]
    UsageThreshold.objects.create(metric=calls, customer=client_row, percent=60, severity="warning")
    assert uses(600) == [60]
    assert uses(990) == []


def test_a_gauge_alerts_again_after_it_fell(client_row, seats):
    limit(client_row, seats, 100, NOW - timedelta(days=3))
    found = []
    for hours, value in ((0, 85), (1, 90), (2, 70), (30, 85), (31, 84)):
        at = NOW + timedelta(hours=hours)
        read({SEATS: value}, at, now=at)
        found.append([int(each.percent) for each in thresholds.evaluate(client_row.pk, at)])
    assert found == [[80], [], [], [80], []]
    assert sorted(UsageAlert.objects.values_list("number", flat=True)) == [1, 2]


def test_clients_that_changed_are_evaluated_once(uses, client_row):
    track(event("x1", 900))
    track(event("x2", 1, client="other"))
    assert DirtyClient.objects.count() == 2
    assert thresholds.evaluate_dirty(NOW, most=1) == 1
    assert thresholds.evaluate_dirty(NOW) == 1
    assert thresholds.evaluate_dirty(NOW) == 0
    assert UsageAlert.objects.count() == 1


def test_an_unconfirmed_metric_without_limit_is_counted_only(client_row):
    track(event("x1", 900, metric="widgets"))
    assert thresholds.evaluate_dirty(NOW) == 1
    assert ClientMetric.objects.get().used == 900
    assert CALLS not in {each.metric.code for each in ClientMetric.objects.all()}


def test_a_client_waits_since_its_first_change(client_row):
    track(event("x1", 1), now=NOW)
    track(event("x2", 1), now=NOW + timedelta(minutes=2))
    assert DirtyClient.objects.get().since == NOW


def test_what_is_crossed_at_the_end_of_a_month_alerts_after_it(uses, client_row, calls):
    last = NOW.replace(month=3, day=31, hour=22, minute=59, second=58)  # Lisbon: 23:59:58
    track(event("x1", 990, last), now=last)
    track(event("x2", 820, last + timedelta(seconds=5)), now=last + timedelta(seconds=5))
    assert thresholds.evaluate_dirty(last + timedelta(seconds=6)) == 1
    found = UsageAlert.objects.order_by("pk").values_list("period_start", "percent")
    march, april = date(2027, 3, 1), date(2027, 4, 1)
    assert [(each[0], int(each[1])) for each in found] == [(march, 80), (march, 95), (april, 80)]
    state = ClientMetric.objects.get()
    assert (state.period_start, state.used) == (april, 820)
    thresholds.evaluate_changes({client_row.pk: last}, last + timedelta(seconds=8))
    assert UsageAlert.objects.count() == 3
    assert ClientMetric.objects.get().period_start == april


def replayed(operations, zones):
    """The alerts that a replay in memory raises: client, period, percent, version of the limit."""
    used: dict[Any, int] = {}
    limits: dict[Any, Any] = {}
    before: dict[Any, Any] = {}
    found: set[Any] = set()
    for client, at, kind, amount in operations:
        month = at.astimezone(zones[client]).date().replace(day=1)
        if kind == "limit":
            quantity, version = limits.get(client, (0, 0))
            limits[client] = amount, version + (quantity != amount)
        else:
            used[client, month] = used.get((client, month), 0) + amount
        if client not in limits:
            continue
        limit, version = limits[client]
        level, (period, last) = used.get((client, month), 0), before.get(client, (None, None))
        for percent in (80, 95):
            was = period == month and last[0] * 100 >= percent * last[1]
            if level * 100 >= percent * limit and not was:
                found.add((client, month, percent, version))
        before[client] = month, (level, limit)
    return found


def test_alerts_equal_a_replay_over_period_ends_limit_changes_and_corrections(calls):
    draw = random.Random(11)  # noqa: S311 - a test's choice
    names = {"a": "UTC", "b": "Asia/Tokyo", "c": "America/Los_Angeles"}
    rows = {
        name: Customer.objects.create(external_id=name, name=name, time_zone=zone)
        for name, zone in names.items()
    }
    at, operations = NOW.replace(month=3, day=25), []
    for number in range(120):
        at += timedelta(hours=draw.randint(0, 9))
        client = draw.choice("abc")
        if number < 3 or draw.random() < 0.1:
            client = "abc"[number] if number < 3 else client
            operations.append((client, at, "limit", draw.choice([500, 800, 1000, 1250])))
            limit(rows[client], calls, operations[-1][3], at)
        else:
            amount = draw.choice([-60, 90, 150, 260, 400])
            more = {"corrects": "e"} if amount < 0 else {}
            operations.append((client, at, "use", amount))
            track(event(f"e{number}", amount, at, client=client, **more), now=at)
        thresholds.evaluate_dirty(at)
    versions = {
        row.pk: place
        for client in names
        for place, row in enumerate(
            UsageLimit.objects.filter(customer=rows[client]).order_by("pk"), 1
        )
    }
    found = {
        (each.customer.external_id, each.period_start, int(each.percent),
         versions[each.limit_version_id])
        for each in UsageAlert.objects.select_related("customer")
    }  # fmt: skip
    expected = replayed(operations, {name: ZoneInfo(zone) for name, zone in names.items()})
    assert found == expected
    assert len(expected) > 10
