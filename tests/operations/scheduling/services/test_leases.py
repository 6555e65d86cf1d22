"""Leases: heartbeats, expiry, and late reports."""

import pytest

from operations.scheduling import services
from operations.scheduling.backlog import NotRunning
from operations.scheduling.models import Task, TaskDurationStats, Worker
from operations.scheduling.services.complete import WrongWorker
from operations.scheduling.services.leases import (
    correct_places,
    reclaim_expired,
    shorten_leases,
)
from tests.operations.scheduling.stored import NOON, ai, later, statuses, submit

pytestmark = pytest.mark.django_db


def test_a_heartbeat_keeps_a_lease_and_silence_loses_it_without_its_place_in_line():
    submit(ai("a"))
    key = Task.objects.get().queue_key
    services.assign(NOON, worker="w", lease=60)
    services.extend_leases("w", later(50))
    assert reclaim_expired(later(100)) == (0, 0)
    assert reclaim_expired(later(111)) == (1, 0)
    row = Task.objects.get()
    assert (row.status, row.queue_key, row.worker, row.previous_worker) == (
        "queued",
        key,
        None,
        "w",
    )


def test_the_third_lapsed_lease_fails_the_task_and_what_needs_it():
    submit(ai("a"), ai("b", "a"))
    for attempt in range(3):
        services.assign(later(100 * attempt), worker="w", lease=60)
    assert reclaim_expired(later(300)) == (0, 1)
    assert statuses() == {"a": "failed", "b": "failed"}
    assert Task.objects.get(task_id="a").error == "lease expired 3 times"


def test_leases_given_by_a_clock_that_was_ahead_are_shortened():
    submit(ai("a"), ai("b"))
    services.assign(later(7200), worker="w", lease=60)
    services.assign(NOON, worker="x", lease=60)
    assert shorten_leases(NOON) == 1
    assert set(Task.objects.values_list("lease_until", flat=True)) == {later(60)}
    assert shorten_leases(NOON) == 0


def test_a_task_queued_by_a_clock_that_was_ahead_gets_its_place_of_now():
    days = 30 * 86_400
    submit(ai("early"), now=later(days))
    submit(ai("new"))
    assert correct_places(NOON) == 1
    assert correct_places(NOON) == 0
    early, new = Task.objects.order_by("pk")
    assert (early.ready_at, early.queue_key) == (NOON, new.queue_key)
    assert Worker(last_seen_at=later(days)).is_silent(NOON)


def test_a_lapsed_task_whose_worker_was_deleted_goes_back_too():
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=1)
    Worker.objects.filter(name="w").delete()
    assert reclaim_expired(later(5)) == (1, 0)
    assert Task.objects.get().previous_worker == ""


def test_a_worker_that_lost_its_lease_may_still_end_the_task_while_no_other_has_it():
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=60)
    reclaim_expired(later(61))
    with pytest.raises(NotRunning):
        services.complete("a", now=later(62))
    with pytest.raises(WrongWorker):
        services.complete("a", now=later(62), worker="x")
    row = services.complete("a", now=later(62), worker="w")
    assert (row.status, str(row.worker), row.run_seconds) == ("completed", "w", None)
    assert not TaskDurationStats.objects.exists()


def test_a_worker_that_lost_its_lease_to_another_is_refused():
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=60)
    services.assign(later(61), worker="x")
    with pytest.raises(WrongWorker, match="running with worker x, not w"):
        services.complete("a", now=later(62), worker="w")


@pytest.mark.django_db(transaction=True)
def test_a_lapsed_lease_is_taken_back_once(at_once):
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=60)
    results = at_once(lambda: reclaim_expired(later(61)), 6)
    assert sorted(results) == [(0, 0)] * 5 + [(1, 0)]
    assert statuses() == {"a": "queued"}
