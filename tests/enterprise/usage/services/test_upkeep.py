"""Closed days are booked to billing; rollups are checked, old rows deleted, plans limit."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import psycopg
import pytest
import time_machine
from django.apps import apps
from django.db import IntegrityError, OperationalError, connection

from aethercrown.metrics.period import Period
from aethercrown.metrics.registry import MetricQuery, measure
from enterprise.usage import services, tasks
from enterprise.usage.metering.event_input import read_event
from enterprise.usage.models import (
    ClientMetric,
    DirtyClient,
    EventKey,
    RefusedEvent,
    RollupCheck,
    UsageAlert,
    UsageDay,
    UsageEvent,
    UsageHour,
    UsageLimit,
    UsageReading,
    UsageValue,
)
from enterprise.usage.reports import lag, levels
from enterprise.usage.services import (
    automation,
    booking,
    partitions,
    plan_limits,
    store,
    thresholds,
    upkeep,
)
from enterprise.usage.services.track import find_names
from enterprise.usage.wake_worker import WorkerWaker, wake_worker
from operations.alerts.models import Alert
from operations.automations.registry import RunContext
from revenue.billing.models import DailyUse, Meter
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.customers.reports import personal_data
from revenue.pricing.models import PlanEntitlement
from revenue.pricing.seeding import seed_default_book, seed_entitlements
from tests.enterprise.usage.conftest import (
    CALLS,
    NOW,
    SEATS,
    days,
    event,
    limit,
    read,
    total,
    track,
)

pytestmark = pytest.mark.django_db
YESTERDAY = NOW - timedelta(days=1)


def run(name):
    spec = next(each for each in services.AUTOMATIONS if each.name == name)
    return spec.perform(RunContext(name, None, NOW, NOW, "auto", dry_run=False)).summary


def subscribe(customer, plan):
    customers.record_subscription(
        customer.pk, external_id=f"{customer.external_id}-1", amount=None, currency="USD",
        started_on=YESTERDAY.date(), plan=plan, now=NOW,
    )  # fmt: skip


def test_a_closed_day_is_booked_once_and_late_use_corrects_it(client_row, calls, seats):
    track(event("e1", 5, YESTERDAY), event("e2", 9, NOW))
    read({SEATS: 4}, YESTERDAY)
    assert run("enterprise.book_usage") == "2 days booked."
    assert run("enterprise.book_usage") == "0 days booked."
    track(event("e3", 2, YESTERDAY))
    run("enterprise.book_usage")
    rows = DailyUse.objects.order_by("pk").values_list("meter__code", "quantity", "is_correction")
    assert sorted(rows) == [
        (CALLS, Decimal(2), True),
        (CALLS, Decimal(5), False),
        (SEATS, Decimal(4), False),
    ]
    assert Meter.objects.get(code=SEATS).aggregation == "last"


def test_a_day_ends_in_the_clients_zone(client_row, calls):
    Customer.objects.update(time_zone="Pacific/Kiritimati")  # 14 hours ahead: the 21st
    track(event("e1", 5, NOW - timedelta(hours=4)))
    assert booking.book_closed_days(NOW) == (1, [])


def test_use_of_the_last_second_of_a_month_is_booked_in_it_in_every_zone(calls):
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Kiritimati"):
        Customer.objects.create(external_id=zone, name=zone, time_zone=zone)
        last = datetime(2027, 2, 28, 23, 59, 59, tzinfo=ZoneInfo(zone))
        track(event(f"last-{zone}", 5, last, client=zone))
        track(event(f"next-{zone}", 5, last + timedelta(seconds=1), client=zone))
    booking.book_closed_days(NOW)
    found = DailyUse.objects.order_by("day").values_list("day", flat=True)
    assert [str(each) for each in found] == ["2027-02-28"] * 3 + ["2027-03-01"] * 3


def test_a_merged_clients_values_are_counted_once(client_row, users):
    other = Customer.objects.create(external_id="old", name="Old", time_zone="Europe/Lisbon")
    for number, (client, value) in enumerate((("acme", "ann"), ("old", "ann"), ("old", "bob"))):
        track(event(f"v{number}", 1, client=client, metric=users.code, value=value))
    customers.merge(client_row.pk, other.pk, now=NOW)
    (level,) = levels.levels_of([client_row.pk], NOW)[client_row.pk]
    assert level.used == 2


def test_a_day_that_billing_refuses_is_named_and_the_others_are_booked(client_row, calls):
    track(event("e1", 5, YESTERDAY), event("e2", -3, NOW - timedelta(days=3), corrects="e1"))
    text = run("enterprise.book_usage")
    assert text.startswith("1 day booked; refused: 1 day, such as API calls, ")
    assert Alert.objects.get().kind == "not_booked"
    track(event("e3", 3, NOW - timedelta(days=3)))
    run("enterprise.book_usage")
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_the_nightly_check_finds_hours_that_differ(client_row, calls):
    track(event("e1", 5, NOW), now=NOW - timedelta(minutes=1))
    assert run("enterprise.check_usage").startswith("1 hour compared, 0 differ")
    UsageHour.objects.update(quantity=6)
    check = upkeep.check_rollups(NOW, Random(1))  # noqa: S311 - a test's choice
    assert (check.hours, check.differences) == (1, 1)
    assert "has 1 event and 6" in check.listed[0]
    UsageDay.objects.update(quantity=7)
    both = upkeep.check_rollups(NOW, Random(1))  # noqa: S311 - a test's choice
    assert both.listed[1].endswith("2027-03-20: the day differs from its events.")
    assert Alert.objects.get().kind == "rollups_differ"
    found = lag.freshness(NOW).as_dict()
    assert (found["hours_compared"], found["differences"]) == (1, 2)


def test_old_rows_are_deleted_and_rollups_stay(client_row, calls):
    old = NOW - timedelta(days=500)
    track(event("e1", 5, old), now=old)
    track(event("b", -1, old), now=old, atomic=False)
    assert upkeep.delete_old(NOW) == 3
    assert not UsageEvent.objects.exists()
    assert not EventKey.objects.exists()
    assert not RefusedEvent.objects.exists()
    assert total() == 5
    RollupCheck.objects.create(checked_at=old, hours=1, differences=0)
    assert upkeep.delete_old(NOW) == 1


def test_events_that_differ_from_their_rollups_are_kept(client_row, calls):
    old = NOW - timedelta(days=500)
    track(event("e1", 5, old), now=old)
    UsageHour.objects.update(quantity=6)
    assert upkeep.delete_old_events(NOW - timedelta(days=400)) == 0
    assert UsageEvent.objects.count() == 1


def test_the_sweep_sets_limits_of_plans_and_evaluates_everybody(client_row, calls):
    seed_default_book(apps)
    seed_entitlements(apps)
    subscribe(client_row, "starter")
    track(event("e1", 9_000, NOW))
    assert (
        run("enterprise.usage_alerts")
        == "1 client evaluated, 1 threshold crossed; 1 new limit from plans."
    )
    assert run("enterprise.usage_alerts").endswith("0 new limits from plans.")
    row = UsageLimit.objects.get()
    assert (row.quantity, row.source, row.recorded_by) == (10_000, "plan", "plan starter")


def test_a_limit_that_staff_set_beats_the_plans(client_row, calls):
    seed_default_book(apps)
    seed_entitlements(apps)
    subscribe(client_row, "starter")
    limit(client_row, calls, 50_000)
    assert plan_limits.sync([client_row.pk], NOW) == 0
    assert PlanEntitlement.objects.count() == 3


def test_a_client_that_waits_long_is_an_alert(client_row, calls):
    track(event("e1", 5))
    automation.check_wait(NOW + timedelta(seconds=61))
    assert Alert.objects.get().kind == "evaluation_late"
    services.evaluate_dirty(NOW)
    automation.check_wait(NOW)
    assert Alert.objects.get().state == Alert.State.RESOLVED


def test_a_merged_clients_usage_moves_and_adds_up(client_row, calls):
    other = Customer.objects.create(external_id="old", name="Old", time_zone="Europe/Lisbon")
    track(event("e1", 5), event("e2", 7, client="old"), event("e3", 1, client="old", metric="w"))
    read({"w": 4}, client="old")
    customers.merge(client_row.pk, other.pk, now=NOW)
    assert days() == {("acme", CALLS, "2027-03-20"): 12, ("acme", "w", "2027-03-20"): 5}
    assert set(ClientMetric.objects.values_list("customer", flat=True)) == {client_row.pk}
    assert not UsageEvent.objects.filter(customer=other).exists()
    assert DirtyClient.objects.filter(customer=client_row).exists()
    assert UsageDay.objects.filter(is_booked=False).count() == 2


def test_events_that_were_read_before_a_merge_and_stored_after_it_move_too(client_row, calls):
    other = Customer.objects.create(external_id="old", name="Old", time_zone="Europe/Lisbon")
    named = read_event(event("late", 7, client="old"), NOW)
    known = find_names([named])
    customers.merge(client_row.pk, other.pk, now=NOW)
    store.store([known.placed(named)], now=NOW)
    services.evaluate_dirty(NOW)
    assert days() == {("acme", CALLS, "2027-03-20"): 7}
    services.evaluate_dirty(NOW)
    assert not DirtyClient.objects.exists()


def test_an_erased_clients_ids_are_blanked_and_quantities_stay(client_row, calls, users):
    track(event("mail-of-jane", 5), event("x", -2, corrects="mail-of-jane"))
    track(event("seen", 1, metric=users.code, value="jane"))
    track(event("jane", -1), atomic=False)
    digest = UsageValue.objects.get().value
    customers.erase(client_row.pk, now=NOW)
    assert not RefusedEvent.objects.exists()
    assert total() == 3
    rows = {each.quantity: each for each in UsageEvent.objects.all()}
    assert rows[-2].corrects == rows[5].event_id
    assert rows[5].event_id.startswith("erased-")
    assert rows[1].value == ""
    assert UsageValue.objects.get().value != digest


def test_everything_stored_of_a_client_is_exported(client_row, calls):
    track(event("e1", 5))
    found = personal_data(client_row.pk)
    assert [each["event_id"] for each in found["usage_events"]] == ["e1"]
    assert found["usage_alerts"] == []


def test_a_worker_is_asked_once_in_half_a_second():
    asked: list[int] = []
    waker = WorkerWaker([lambda: asked.append(1)])
    for now in (10.0, 10.4, 10.5, 10.9):
        waker.wake(now)
    assert len(asked) == 2


def test_a_worker_that_cannot_be_asked_is_no_harm():
    asked: list[int] = []
    waker = WorkerWaker([lambda: asked.append(1), lambda: 1 / 0])
    waker.wake(10.0)
    assert asked == [1]
    wake_worker()


def test_the_task_evaluates_and_the_look_asks_for_it(client_row, calls):
    limit(client_row, calls, 10)
    track(event("e1", 9))
    with time_machine.travel(NOW, tick=False):  # the task reads the clock; the limit starts then
        tasks.evaluate_waiting()
        tasks.evaluate_usage()
    assert not lag.waits()
    assert UsageAlert.objects.get().percent == 80


def test_a_limit_without_use_alerts_nothing(client_row, calls, seats):
    track(event("e1", 5))
    limit(client_row, seats, 0)
    assert thresholds.evaluate(client_row.pk, NOW) == []


def test_merged_readings_of_one_time_are_kept_once(client_row, calls):
    other = Customer.objects.create(external_id="old", name="Old", time_zone="Europe/Lisbon")
    read({CALLS: 5})
    read({CALLS: 6}, client="old")
    customers.merge(client_row.pk, other.pk, now=NOW)
    assert UsageReading.objects.get().value == 5
    assert total() == 11


@pytest.mark.skipif(connection.vendor != "postgresql", reason="partitions are PostgreSQL's")
@pytest.mark.django_db(transaction=True)
def test_an_old_month_is_detached_and_dropped_and_the_present_one_stays():
    old = NOW - timedelta(days=500)
    track(event("e1", 5, old), now=old)
    track(event("e2", 7))
    name = partitions.name_of(old.date().replace(day=1))
    assert name in partitions.partition_names()
    assert upkeep.delete_old(NOW) == 2
    left = partitions.partition_names()
    assert name not in left
    assert partitions.name_of(NOW.date().replace(day=1)) in left
    assert UsageEvent.objects.get().event_id == "e2"
    assert total() == 12


@pytest.mark.skipif(connection.vendor != "postgresql", reason="partitions are PostgreSQL's")
@pytest.mark.django_db(transaction=True)
def test_months_whose_deletion_was_interrupted_are_finished_and_a_differing_one_is_kept():
    olds = [NOW - timedelta(days=each) for each in (500, 540, 580)]
    for number, old in enumerate(olds):
        track(event(f"e{number}", 5, old), now=old)
    detached, pending, differing = (partitions.name_of(old.date().replace(day=1)) for old in olds)
    UsageHour.objects.filter(hour__lt=olds[1] - timedelta(days=20)).update(quantity=6)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE enterprise_usageevent DETACH PARTITION {detached}")
    with psycopg.connect(**psycopg_parameters()) as reader:
        reader.execute("SELECT count(*) FROM enterprise_usageevent")
        alter = f"ALTER TABLE enterprise_usageevent DETACH PARTITION {pending} CONCURRENTLY"
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 300")
            with pytest.raises(OperationalError):
                cursor.execute(alter)
    with connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout")
    assert detached in partitions.detached_names()
    upkeep.delete_old(NOW)
    assert partitions.detached_names() == []
    assert differing in partitions.partition_names()
    assert pending not in partitions.partition_names()
    partitions.drop(differing)


def psycopg_parameters():
    """Where the database of the tests is, for a connection of its own."""
    given = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return {name: given[name] for name in names if given.get(name)}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="partitions are PostgreSQL's")
def test_a_month_whose_name_another_table_has_is_an_alert():
    later = NOW.replace(year=2041)
    taken = partitions.name_of(later.date().replace(month=5, day=1))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {taken} (id integer)")
    assert [each.month for each in upkeep.keep_partitions(later)] == [3, 4, 6]
    found = Alert.objects.get(kind="no_partition")
    assert "2041-05" in found.message
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {taken}")
    assert [each.month for each in upkeep.keep_partitions(later)] == [5]
    assert upkeep.keep_partitions(later) == []
    found.refresh_from_db()
    assert found.state == Alert.State.RESOLVED


def test_another_error_of_an_insert_is_not_taken_for_a_missing_month():
    def refused():
        raise IntegrityError

    for known in ({}, {(2027, 3): True}):
        partitions.inserted.update(known)
        with pytest.raises(IntegrityError):
            partitions.insert_events(refused, {(2027, 3)}, NOW)
    assert not partitions.inserted


def test_figures_of_usage(client_row, calls):
    day = NOW.date()
    query = MetricQuery(Period(day - timedelta(days=30), day), "", NOW)
    names = [each.name for each in lag.METRICS]
    before = {each.metric.name: each.reading for each in measure(names, query)}
    assert before["usage.near_limit"].value is None
    assert before["usage.rollup_differences"].value is None
    limit(client_row, calls, 10)
    track(event("e1", 9))
    waiting = {each.metric.name: each.reading.value for each in measure(names, query)}
    assert waiting["usage.events"] == 1
    services.evaluate_dirty(NOW)
    upkeep.check_rollups(NOW, Random(1))  # noqa: S311 - a test's choice
    after = {each.metric.name: each.reading.value for each in measure(names, query)}
    assert after == {
        "usage.events": 1,
        "usage.near_limit": 1,
        "usage.alerts": 1,
        "usage.evaluation_lag": 0,
        "usage.rollup_differences": 0,
    }
    assert lag.rollup_differences() == {(): 0.0}
    assert lag.oldest_wait_seconds() == {(): 0.0}
