"""Assigning tasks to workers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from operations.scheduling import services
from operations.scheduling.models import Pool, Task, TaskDurationStats, Worker
from operations.scheduling.reports import tasks as reports
from operations.scheduling.reports import tasks as task_reports
from operations.scheduling.reports.workers import available
from operations.scheduling.services.assign import push
from operations.scheduling.services.workers import record_contact
from tests.operations.scheduling.stored import NOON, ai, given, later, submit

pytestmark = pytest.mark.django_db


def test_every_free_worker_gets_the_most_urgent_task(settings):
    settings.NUM_WORKERS = 2
    submit(ai("low", priority=1), ai("high", priority=3), ai("top", priority=4))
    rows = services.assign(NOON)
    assert given(rows) == [("worker-1", "top"), ("worker-2", "high")]
    assert services.assign(later(1)) == []
    services.complete("top", now=later(2))
    assert given(services.assign(later(3))) == [("worker-1", "low")]


def test_waiting_makes_a_task_more_urgent_than_any_that_come_much_later():
    submit(ai("old", priority=1))
    submit(ai("new", priority=4), now=later(3 * 3600 + 1))
    assert services.assign(later(4 * 3600), worker="w")[0].task_id == "old"


def test_a_named_worker_is_taken_in_and_gets_as_many_as_it_asks_for():
    submit(*(ai(f"t{each}") for each in range(5)))
    assert given(services.assign(NOON, worker="agent")) == [("agent", "t0")]
    assert len(services.assign(NOON, worker="agent", count=3, lease=5)) == 3
    assert Task.objects.get(task_id="t3").lease_until == later(5)
    assert Worker.objects.get(name="agent").last_seen_at == NOON


def test_a_task_that_is_handed_out_says_what_it_needed_as_its_caller_listed_it():
    submit(ai("a"), ai("b"), ai("c", "b", "a"))
    first = services.assign(NOON, worker="w", count=2)
    assert set(map(tuple, reports.assigned_dependencies(first).values())) == {()}
    for name in "ab":
        services.complete(name, now=later(1))
    (last,) = services.assign(later(2), worker="w")
    assert (
        reports.assigned_dependencies([last])
        == {last.pk: ["b", "a"]}
        == task_reports.dependencies([last])
    )
    stored = Task.objects.get(task_id="c")
    assert (last.started_at, last.lease_until) == (stored.started_at, stored.lease_until)
    assert stored.lease_until == later(122)


def test_a_task_goes_only_to_the_pool_of_its_type():
    gpu = Pool.objects.create(name="gpu")
    submit(ai("render", kind="gpu"), ai("mail", kind="mail"))
    assert [row.task_id for row in services.assign(NOON)] == ["mail"]
    assert given(services.assign(NOON, worker="g", pool="gpu")) == [("g", "render")]
    assert Worker.objects.get(name="g").pool == gpu
    with pytest.raises(services.WorkerRefused, match="belongs to pool gpu, not default"):
        services.assign(NOON, worker="g", pool="default")
    for name in ("", "h"):
        with pytest.raises(services.UnknownPool, match="there is no pool tpu"):
            services.assign(NOON, worker=name, pool="tpu")
    submit(ai("again", kind="gpu"))
    Worker.objects.create(name="free", pool=gpu)
    assert given(services.assign(NOON, pool="gpu")) == [("free", "again")]


def test_a_worker_switched_off_gets_nothing():
    submit(ai("a"))
    services.assign(NOON, worker="w", count=1)
    Worker.objects.filter(name="w").update(is_active=False)
    with pytest.raises(services.WorkerRefused, match="switched off"):
        services.assign(NOON, worker="w")


def test_a_silent_worker_is_passed_over():
    submit(ai("a"), ai("b"))
    services.assign(NOON, worker="w")
    services.complete("a", now=NOON, worker="w")
    Worker.objects.exclude(name="w").update(is_active=False)
    assert services.assign(later(91)) == []
    assert len(services.assign(later(90))) == 1


def test_a_worker_that_calls_rarely_is_silent_by_its_own_time():
    submit(ai("a"), ai("b"))
    services.assign(NOON, worker="w")
    services.complete("a", now=NOON, worker="w")
    Worker.objects.exclude(name="w").update(is_active=False)
    Worker.objects.filter(name="w").update(silent_after=timedelta(minutes=10))
    assert services.assign(later(601)) == []
    assert available(later(601), set()) == []
    assert [name for _, name, _ in available(later(600), set())] == ["w"]
    assert given(services.assign(later(600))) == [("w", "b")]


def test_tasks_are_pushed_only_to_workers_marked_as_pushed():
    submit(ai("a"), ai("b"))
    assert push(NOON) == []
    pool = Pool.objects.get(name="default")
    Worker.objects.create(name="w", pool=pool, is_pushed=True, last_seen_at=NOON)
    assert given(push(NOON)) == [("w", "a")]
    assert given(services.extend_leases("w", later(30))) == [("w", "a")]


def test_a_lease_lasts_twice_what_such_a_task_takes_in_95_of_100_runs():
    assert services.assign(NOON) == []
    submit(ai("a", seconds=10), ai("b", seconds=100))
    leases = {row.task_id: row.lease_seconds for row in services.assign(NOON)}
    assert leases == {"a": 60, "b": 200}
    submit(ai("c", seconds=100))
    TaskDurationStats.objects.create(task_type="train", runs=8, mean=4.0, variance=0.0)
    (row,) = services.assign(NOON, count=1)
    assert row.lease_seconds == pytest.approx(2 * 2.718281828**4)


@pytest.mark.django_db(transaction=True)
def test_no_task_is_given_twice(at_once, settings):
    settings.NUM_WORKERS = 4
    submit(*(ai(f"t{each}") for each in range(40)))
    names = iter([f"agent-{each}" for each in range(6)] + [""] * 2)

    def take():
        name = next(names)
        return [row.task_id for row in services.assign(NOON, worker=name, count=4)]

    got = at_once(take, 8)
    taken = [each for rows in got for each in rows]
    assert len(taken) == len(set(taken)) >= 28  # agents are workers too once they have asked
    assert Task.objects.filter(status="running", attempt=1).count() == len(taken)


def test_no_question_more_is_asked_for_many_tasks_than_for_ten():
    sizes = (10, 30) if connection.features.max_query_params else (10, 1000)
    record_contact("w", NOON)
    asked = []
    for size in sizes:
        with CaptureQueriesContext(connection) as queries:
            submit(*(ai(f"{size}-{each}") for each in range(size)))
            services.assign(NOON, worker="w", count=size)
        asked.append(len(queries))
    assert asked[0] == asked[1] < 40
