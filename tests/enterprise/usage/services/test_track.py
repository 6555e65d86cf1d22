"""Each event counts once, whatever is sent again and in whatever order."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enterprise.usage.metering.event_input import ItemStatus
from enterprise.usage.models import (
    ClientMetric,
    DirtyClient,
    EventKey,
    RefusedEvent,
    UsageAdjustment,
    UsageDay,
    UsageEvent,
    UsageHour,
    UsageMetric,
    UsagePolicy,
)
from enterprise.usage.reports import rollups
from enterprise.usage.services import partitions
from enterprise.usage.services.track import LARGE_BATCH, BatchConflicts, BatchRejected
from revenue.customers.models import Customer
from tests.enterprise.usage.conftest import CALLS, HOUR, NOW, days, event, total, track

pytestmark = pytest.mark.django_db
WORKED = [event("a1", 5), event("a1", 5), event("a2", 3), event("a2", 4), event("b", -1)]


def statuses(batch):
    return [each.status.value for each in batch.items]


def test_the_worked_batch_item_by_item():
    found = track(*WORKED, atomic=False)
    assert statuses(found) == ["accepted", "duplicate", "accepted", "conflict", "rejected"]
    assert total() == 8
    refused = RefusedEvent.objects.order_by("pk").values_list("status", "event_id")
    assert list(refused) == [("rejected", "b"), ("conflict", "a2")]


def test_the_worked_batch_at_once_is_refused_whole():
    with pytest.raises(BatchRejected) as raised:
        track(*WORKED)
    assert [each.index for each in raised.value.rejected] == [4]
    with pytest.raises(BatchConflicts) as conflicts:
        track(*WORKED[:4])
    assert [each.index for each in conflicts.value.conflicts] == [3]
    for model in (UsageEvent, EventKey, UsageHour, UsageDay, Customer, UsageMetric, RefusedEvent):
        assert not model.objects.exists()


def test_a_batch_sent_again_changes_nothing():
    batch = [event(f"e{place}", place + 1) for place in range(20)]
    track(*batch)
    before = days()
    assert track(*batch).count(ItemStatus.DUPLICATE) == 20
    assert days() == before
    assert UsageEvent.objects.count() == 20


def test_another_time_does_not_make_a_new_event():
    track(event("e1"))
    with pytest.raises(BatchConflicts, match=r"events\[0\] \(e1\)"):
        track(event("e1", at=NOW - 2 * HOUR))


def test_the_order_of_arrival_does_not_matter():
    draw = random.Random(7)  # noqa: S311 - a test's choice
    batch = [
        event(f"e{place}", draw.randint(1, 9), NOW - timedelta(minutes=draw.randint(0, 4000)))
        for place in range(60)
    ]
    track(*batch)
    columns = ("customer__external_id", "hour", "count", "quantity", "most", "last", "last_at")
    whole = list(UsageHour.objects.order_by("hour").values_list(*columns))
    for model in (UsageHour, UsageDay, ClientMetric, UsageEvent, EventKey, DirtyClient):
        model.objects.all().delete()
    draw.shuffle(batch)
    for start in range(0, 60, 7):
        track(*batch[start : start + 7])
    assert list(UsageHour.objects.order_by("hour").values_list(*columns)) == whole


def test_an_event_counts_in_its_hour_in_utc_and_its_day_in_the_clients_zone(client_row):
    Customer.objects.update(time_zone="Asia/Kolkata")
    track(event("e1", at=NOW.replace(hour=18, minute=40) - timedelta(days=1)))
    assert days() == {("acme", CALLS, "2027-03-20"): 5}
    hour = UsageHour.objects.get().hour
    assert (hour.day, hour.hour, hour.minute) == (19, 18, 0)


def test_a_day_of_a_clock_change_and_a_leap_day(client_row):
    now = NOW.replace(year=2028, month=3, day=27)
    track(
        event("e1", at=now.replace(month=2, day=29, hour=23)),
        event("e2", at=now.replace(day=25, hour=23, minute=30)),
        event("e3", at=now.replace(day=26, hour=23, minute=30)),  # summer time: the 27th
        now=now,
    )
    assert [key[2] for key in days()] == ["2028-02-29", "2028-03-25", "2028-03-27"]


def test_an_unknown_client_and_metric_are_made():
    track(event("e1", client="new", metric="widgets"))
    assert Customer.objects.get().external_id == "new"
    metric = UsageMetric.objects.get()
    assert (metric.code, metric.kind, metric.is_confirmed) == ("widgets", "counter", False)


def test_a_large_batch_makes_the_clients_that_it_names(calls):
    track(*(event(f"e{each}", 1, client=f"c{each % 3}") for each in range(LARGE_BATCH)))
    assert total() == LARGE_BATCH
    assert Customer.objects.count() == 3


def test_where_staff_closed_the_lists_unknown_names_are_rejected(calls, client_row):
    UsagePolicy.objects.create(pk=1, accept_unknown_metrics=False, accept_unknown_clients=False)
    with pytest.raises(BatchRejected) as raised:
        track(event("e1", client="new", metric="widgets"))
    problems = raised.value.rejected[0].problems
    assert [each.code for each in problems] == ["unknown_client", "unknown_metric"]
    assert track(event("e2")).count(ItemStatus.ACCEPTED) == 1


def test_a_merged_client_counts_for_the_one_it_was_merged_into(client_row):
    Customer.objects.create(external_id="old", name="Old", merged_into=client_row)
    track(event("e1", client="old"))
    assert days() == {("acme", CALLS, "2027-03-20"): 5}


def test_a_correction_is_subtracted(calls):
    track(event("e1", 9))
    track(event("e2", Decimal("-2.5"), corrects="e1"))
    assert total() == Decimal("6.5")
    assert UsageHour.objects.get().count == 1


def test_a_gauge_takes_no_correction(seats):
    with pytest.raises(BatchRejected) as raised:
        track(event("e1", -1, metric=seats.code, corrects="e0"))
    assert raised.value.rejected[0].problems[0].code == "not_a_sum"


def test_late_use_of_a_closed_period_is_an_adjustment_of_the_open_one(client_row, calls):
    track(event("e1", 4, NOW - timedelta(days=25)), event("e2", 6, NOW - timedelta(days=25)))
    row = UsageAdjustment.objects.get()
    assert (row.period_start.month, row.open_period_start.month) == (2, 3)
    assert (row.count, row.quantity) == (2, 10)
    assert UsageEvent.objects.filter(is_late=True).count() == 2


def test_the_same_use_under_another_id_is_flagged_and_counted():
    track(event("e1"))
    track(event("e2"), now=NOW + timedelta(minutes=9))
    assert UsageEvent.objects.get(event_id="e2").possible_duplicate
    track(event("e3"), now=NOW + timedelta(minutes=30))
    assert not UsageEvent.objects.get(event_id="e3").possible_duplicate
    track(event("f1", 7), event("f2", 7))
    assert list(
        UsageEvent.objects.filter(quantity=7).order_by("event_id").values_list(
            "possible_duplicate", flat=True
        )
    ) == [False, True]  # fmt: skip
    assert total() == 29


def test_hours_agree_with_their_events_and_a_lost_one_is_found():
    track(*(event(f"e{place}", place, NOW - place * HOUR) for place in range(5)))
    hours = rollups.hours_touched(NOW - HOUR, NOW + HOUR, NOW - 100 * HOUR)
    assert len(hours) == 5
    assert list(rollups.differences(hours)) == []
    UsageEvent.objects.filter(event_id="e3").delete()
    (found,) = rollups.differences(hours)
    assert (found.stored, found.counted) == ((1, Decimal(3)), (0, Decimal(0)))


def test_a_refused_event_is_kept_without_its_secret():
    track({**event("e1", -1), "password": "hunter2-and-more"}, 5, atomic=False)
    rows = RefusedEvent.objects.order_by("pk")
    assert "hunter2" not in str([each.content for each in rows])
    assert [each.event_id for each in rows] == ["e1", ""]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="partitions are PostgreSQL's")
def test_the_months_of_events_are_partitions_made_when_needed():
    track(event("e1"), event("e2", at=NOW - timedelta(days=25)))
    names = partitions.partition_names()
    assert names[-2:] == ["enterprise_usageevent_2027_02", "enterprise_usageevent_2027_03"]
    assert partitions.make_month(NOW.date().replace(day=1)) is False
    assert len(partitions.make_coming_months(NOW)) == 3
    assert partitions.missing_months(NOW) == []


def test_one_event_of_known_names_needs_few_statements(client_row, calls):
    track(event("e1"))
    with CaptureQueriesContext(connection) as found:
        track(event("e2", 6))
    words = [each["sql"].split()[0] for each in found if "SAVEPOINT" not in each["sql"]]
    assert len(words) <= 9  # its names, its key, five rows, and whether it came before
