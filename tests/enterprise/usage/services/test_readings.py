"""Readings become rises; the same again changes nothing, another value is refused."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from enterprise.usage.metering.event_input import ItemStatus
from enterprise.usage.models import UsageEvent, UsageLimit, UsagePolicy, UsageReading
from enterprise.usage.reports import levels
from enterprise.usage.services.readings import ReadingConflicts, UnknownNames
from tests.enterprise.usage.conftest import CALLS, NOW, SEATS, days, read, total

pytestmark = pytest.mark.django_db


def lisbon(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Lisbon"))


def test_the_worked_readings(client_row, calls):
    now = lisbon("2027-03-01T12:00")
    for at, value, march in (
        ("2027-02-28T23:50", 412, 0),
        ("2027-03-01T00:10", 7, 7),
        ("2027-03-01T09:00", 31, 31),
        ("2027-03-01T08:00", 20, 31),
        ("2027-03-01T10:00", 12, 43),
        ("2027-03-01T09:30", 40, 52),
    ):
        read({CALLS: value}, lisbon(at), now=now)
        assert days().get(("acme", CALLS, "2027-03-01"), 0) == march
    assert days()["acme", CALLS, "2027-02-28"] == 412
    assert UsageReading.objects.get(value=12).is_reset
    assert UsageEvent.objects.get(quantity=-13).corrects


def test_a_late_reading_may_end_a_reset(client_row, calls):
    read({CALLS: 30}, NOW - timedelta(hours=3))
    read({CALLS: 10}, NOW - timedelta(hours=1))
    assert UsageReading.objects.get(value=10).is_reset
    read({CALLS: 4}, NOW - timedelta(hours=2))
    assert not UsageReading.objects.get(value=10).is_reset
    assert total() == 30 + 4 + 6


def test_the_same_reading_again_is_a_duplicate_and_another_value_conflicts(client_row, calls):
    read({CALLS: 5})
    assert read({CALLS: 5}).statuses == {CALLS: ItemStatus.DUPLICATE}
    with pytest.raises(ReadingConflicts, match="other readings of api_calls"):
        read({CALLS: 6, "widgets": 1})
    assert total() == 5
    assert not UsageReading.objects.filter(metric__code="widgets").exists()


def test_the_last_reading_of_a_gauge_holds(client_row, seats):
    read({SEATS: 40}, NOW)
    read({SEATS: 55}, NOW - timedelta(hours=1))
    (found,) = levels.levels_of([client_row.pk], NOW)[client_row.pk]
    assert (found.used, found.period_start) == (Decimal(40), None)


def test_limits_are_versions_and_the_same_again_is_none(client_row, calls):
    read({CALLS: 5}, limits={CALLS: 100})
    read({CALLS: 5}, limits={CALLS: 100})
    read({}, limits={CALLS: 200}, at=NOW + timedelta(minutes=1))
    assert [each.quantity for each in UsageLimit.objects.order_by("pk")] == [100, 200]


def test_a_summary_says_what_is_at_or_above_a_threshold(client_row, calls, seats):
    read({CALLS: 820, SEATS: 3, "widgets": 1}, limits={CALLS: 1000, SEATS: 0})
    found = levels.summary("acme", client_row.pk, NOW, NOW).as_dict()
    assert found["usage_percentages"] == {CALLS: 82.0, SEATS: None}
    assert found["without_limit"] == ["widgets"]
    assert [(each["metric"], each["severity"]) for each in found["alerts"]] == [
        (CALLS, "warning"),
        (SEATS, "critical"),
    ]
    assert found["alerts"][0]["message"] == "820 of 1,000 API calls used (82%)."
    assert found["requires_attention"] is True


def test_unknown_names_are_refused_where_staff_closed_the_lists(client_row, calls):
    UsagePolicy.objects.create(pk=1, accept_unknown_metrics=False, accept_unknown_clients=False)
    with pytest.raises(UnknownNames) as raised:
        read({"widgets": 1}, client="new")
    assert (raised.value.client, raised.value.metrics) == (True, ["widgets"])
    read({CALLS: Decimal("1.5")})
