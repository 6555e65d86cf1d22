"""The stored queue: what comes in, who gets it, how it ends, and what nobody may do."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from operations.scheduling import reports, services
from operations.scheduling.backlog import NotRunning, UnknownTask
from operations.scheduling.models import Dependency, Pool, Task, TaskDurationStats, Worker
from operations.scheduling.planner.graph import CyclicDependency, UnknownDependency
from operations.scheduling.reports import tasks as task_reports
from operations.scheduling.scheduler import DifferentTask
from operations.scheduling.services import submit as submission
from operations.scheduling.services.workers import record_contact
from operations.scheduling.task_spec import AITask, TaskPriority

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def later(seconds):
    return NOON + timedelta(seconds=seconds)


def ai(name, *needs, kind="train", priority=TaskPriority.MEDIUM, seconds=60.0):
    return AITask(name, kind, priority, seconds, needs)


def submit(*tasks, now=NOON):
    return submission.submit(tasks, now)


def statuses():
    return dict(Task.objects.order_by("pk").values_list("task_id", "status"))


def given(rows):
    return [(row.worker.name, row.task_id) for row in rows]


# --- Coming in ----------------------------------------------------------------------------------
def test_a_task_without_dependencies_is_queued_and_one_that_needs_it_is_pending():
    rows = submit(ai("b", "a"), ai("a"))
    assert [row.task_id for row in rows] == ["b", "a"]
    assert statuses() == {"a": "queued", "b": "pending"}
    assert Task.objects.get(task_id="b").unmet_dependencies == 1


def test_the_same_task_again_is_the_stored_one_whatever_the_order_of_its_dependencies():
    submit(ai("a"), ai("b"), ai("c", "a", "b"))
    (again,) = submit(ai("c", "b", "a"), now=later(5))
    assert again.created_at == NOON
    assert Task.objects.count() == 3
    assert Dependency.objects.count() == 2


@pytest.mark.parametrize(
    "other", [ai("c", kind="score"), ai("c", seconds=61), ai("c", priority=4), ai("c", "a")]
)
def test_another_task_with_a_stored_id_is_refused_and_nothing_is_stored(other):
    submit(ai("a"), ai("c"))
    with pytest.raises(DifferentTask):
        submit(ai("new"), other)
    assert set(statuses()) == {"a", "c"}


def test_one_id_for_two_tasks_in_a_call_is_refused():
    with pytest.raises(DifferentTask):
        submit(ai("a"), ai("a", seconds=1))
    assert not Task.objects.exists()


def test_an_unknown_dependency_is_refused_and_nothing_is_stored():
    with pytest.raises(UnknownDependency) as caught:
        submit(ai("a"), ai("b", "a", "ghost"))
    assert caught.value.missing == [("b", "ghost")]
    assert not Task.objects.exists()


def test_a_cycle_is_named_in_order_and_nothing_is_stored():
    with pytest.raises(CyclicDependency, match="a -> b -> c -> a"):
        submit(ai("a", "c"), ai("b", "a"), ai("c", "b"))
    assert not Task.objects.exists()


def test_a_cycle_through_stored_tasks_is_named_in_order():
    submit(ai("a"), ai("b", "a"))
    with pytest.raises(CyclicDependency, match="new -> a -> b -> new"):
        submit(ai("new", "b"), ai("a", "new"))
    with pytest.raises(CyclicDependency, match="a -> b -> a"):
        submit(ai("a", "b"))
    assert statuses() == {"a": "queued", "b": "pending"}


def test_what_needs_a_completed_task_is_ready_and_what_needs_a_failed_one_fails():
    submit(ai("good"), ai("bad"))
    services.assign(NOON, count=2)
    services.complete("good", now=later(1))
    services.complete("bad", now=later(1), success=False)
    submit(ai("x", "good"), ai("y", "bad"), ai("z", "y"), now=later(2))
    assert statuses()["x"] == "queued"
    assert statuses()["y"] == statuses()["z"] == "failed"
    assert Task.objects.get(task_id="z").error == "dependency y failed"


def test_stored_work_inherits_the_urgency_of_new_work_that_needs_it():
    submit(ai("slow", seconds=600), ai("first", "slow", seconds=600), ai("quick", seconds=500))
    assert [row.task_id for row in line()] == ["quick", "slow"]
    submit(ai("urgent", "first", priority=4, seconds=1), now=later(1))
    assert [row.task_id for row in line()] == ["slow", "quick"]


def test_work_that_has_ended_or_leads_to_a_failure_inherits_nothing():
    submit(ai("a"), ai("b", "a"), ai("bad"))
    services.cancel("bad", actor="eve", now=NOON)
    before = dict(Task.objects.values_list("task_id", "chain_weight"))
    submit(ai("lost", "b", "bad", priority=4), now=later(1))
    services.assign(later(1), worker="w")
    submit(ai("late", "a", priority=4, seconds=1), now=later(2))
    assert {each: Task.objects.get(task_id=each).chain_weight for each in before} == before


def test_very_wide_work_inherits_only_as_far_as_is_cheap(monkeypatch):
    monkeypatch.setattr(task_reports, "MAX_INHERITING_TASKS", 1)
    submit(ai("a", seconds=600), ai("b", "a", seconds=600))
    submit(ai("c", "b", priority=4, seconds=1), now=later(1))
    assert Task.objects.get(task_id="a").chain_seconds == 600


def test_urgency_is_inherited_only_so_far_up(monkeypatch):
    monkeypatch.setattr(task_reports, "MAX_INHERIT_DEPTH", 1)
    submit(ai("a"), ai("b", "a"), ai("c", "b"))
    submit(ai("d", "c", priority=4, seconds=1), now=later(1))
    assert [Task.objects.get(task_id=each).chain_weight for each in "abc"] == [2, 12, 10]


def line():
    return Task.objects.filter(status="queued").order_by("queue_key", "pk")


# --- Going out ----------------------------------------------------------------------------------
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


def test_work_is_pushed_only_to_those_who_want_it():
    submit(ai("a"), ai("b"))
    assert services.push(NOON) == []
    pool = Pool.objects.get(name="default")
    Worker.objects.create(name="w", pool=pool, is_pushed=True, last_seen_at=NOON)
    assert given(services.push(NOON)) == [("w", "a")]
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


# --- Leases -------------------------------------------------------------------------------------
def test_a_heartbeat_keeps_a_lease_and_silence_loses_it_without_its_place_in_line():
    submit(ai("a"))
    key = Task.objects.get().key
    services.assign(NOON, worker="w", lease=60)
    services.extend_leases("w", later(50))
    assert services.reclaim_expired(later(100)) == (0, 0)
    assert services.reclaim_expired(later(111)) == (1, 0)
    row = Task.objects.get()
    assert (row.status, row.key, row.worker, row.previous_worker) == ("queued", key, None, "w")


def test_the_third_lapsed_lease_fails_the_task_and_what_needs_it():
    submit(ai("a"), ai("b", "a"))
    for attempt in range(3):
        services.assign(later(100 * attempt), worker="w", lease=60)
    assert services.reclaim_expired(later(300)) == (0, 1)
    assert statuses() == {"a": "failed", "b": "failed"}
    assert Task.objects.get(task_id="a").error == "lease expired 3 times"


def test_a_lapsed_task_whose_worker_was_deleted_goes_back_too():
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=1)
    Worker.objects.filter(name="w").delete()
    assert services.reclaim_expired(later(5)) == (1, 0)
    assert Task.objects.get().previous_worker == ""


def test_who_lost_a_lease_may_still_end_the_task_while_nobody_else_has_it():
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=60)
    services.reclaim_expired(later(61))
    with pytest.raises(NotRunning):
        services.complete("a", now=later(62))
    with pytest.raises(services.WrongWorker):
        services.complete("a", now=later(62), worker="x")
    row = services.complete("a", now=later(62), worker="w")
    assert (row.status, str(row.worker), row.seconds) == ("completed", "w", None)
    assert not TaskDurationStats.objects.exists()


def test_who_lost_a_lease_to_another_is_refused():
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=60)
    services.assign(later(61), worker="x")
    with pytest.raises(services.WrongWorker, match="running with worker x, not w"):
        services.complete("a", now=later(62), worker="w")


# --- Ending -------------------------------------------------------------------------------------
def test_the_end_of_a_task_readies_what_needs_nothing_else_and_teaches():
    submit(ai("a"), ai("b"), ai("c", "a", "b"))
    services.assign(NOON)
    services.complete("a", now=later(10))
    assert statuses()["c"] == "pending"
    services.complete("b", now=later(20))
    row = Task.objects.get(task_id="c")
    assert (row.status, row.ready_at) == ("queued", later(20))
    assert TaskDurationStats.objects.get().runs == 2
    assert Task.objects.get(task_id="b").seconds == 20


def test_a_failure_fails_all_that_waits_however_far_off():
    submit(ai("a"), ai("b", "a"), ai("c", "b"), ai("other"))
    services.assign(NOON, worker="w")
    services.complete("a", now=later(1), success=False, error="out of memory", worker="w")
    assert statuses() == {"a": "failed", "b": "failed", "c": "failed", "other": "queued"}
    assert Task.objects.get(task_id="a").error == "out of memory"
    assert Task.objects.get(task_id="c").error == "dependency b failed"
    assert Worker.objects.get(name="w").last_seen_at == later(1)


def test_saying_the_same_again_changes_nothing_and_the_contrary_is_refused():
    submit(ai("a"))
    services.assign(NOON)
    services.complete("a", now=later(1))
    assert services.complete("a", now=later(9)).completed_at == later(1)
    with pytest.raises(NotRunning, match="a is completed, not running"):
        services.complete("a", now=later(9), success=False)


def test_only_a_running_task_ends_and_only_by_its_own_worker():
    submit(ai("a"))
    with pytest.raises(UnknownTask, match="there is no task ghost"):
        services.complete("ghost", now=NOON)
    with pytest.raises(NotRunning, match="queued, not running"):
        services.complete("a", now=NOON)
    services.assign(NOON, worker="w")
    with pytest.raises(services.WrongWorker):
        services.complete("a", now=NOON, worker="x")
    assert statuses() == {"a": "running"}


def test_a_task_ends_even_where_its_worker_was_deleted():
    submit(ai("a"))
    services.assign(NOON, worker="w")
    Worker.objects.filter(name="w").delete()
    assert services.complete("a", now=later(1)).status == "completed"


def test_a_person_cancels_a_task_once_and_its_worker_is_refused_later():
    submit(ai("a"), ai("b", "a"))
    services.assign(NOON, worker="w")
    services.cancel("a", actor="eve", now=NOON)
    assert statuses() == {"a": "failed", "b": "failed"}
    assert Task.objects.get(task_id="a").error == "cancelled by eve"
    with pytest.raises(NotRunning):
        services.complete("a", now=later(1), success=False, worker="w")
    with pytest.raises(NotRunning, match="failed already"):
        services.cancel("a", actor="eve", now=NOON)


def test_a_person_requeues_what_failed_in_the_order_of_the_work():
    submit(ai("a"), ai("b", "a"), ai("c"))
    services.cancel("a", actor="eve", now=NOON)
    with pytest.raises(NotRunning, match="needs a, which failed"):
        services.requeue("b", now=NOON)
    services.requeue("a", now=later(1))
    services.requeue("b", now=later(1))
    assert statuses() == {"a": "queued", "b": "pending", "c": "queued"}
    with pytest.raises(NotRunning, match="neither running nor failed"):
        services.requeue("a", now=later(1))
    services.assign(later(1), worker="w", count=2)
    services.complete("a", now=later(2))
    assert statuses()["b"] == "queued"
    services.requeue("c", now=later(3))
    assert Task.objects.get(task_id="c").worker is None


# --- Many at once -------------------------------------------------------------------------------
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


@pytest.mark.django_db(transaction=True)
def test_one_end_is_counted_once_and_frees_its_waiters_once(at_once):
    submit(ai("a"), ai("b"), ai("c", "a", "b"))
    services.assign(NOON)
    names = iter(["a", "b"] * 4)
    results = at_once(lambda: services.complete(next(names), now=later(9)), 8)
    assert {row.status for row in results} == {"completed"}
    assert statuses()["c"] == "queued"
    assert Task.objects.get(task_id="c").unmet_dependencies == 0
    assert TaskDurationStats.objects.get().runs == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_submission_many_times_at_once_is_stored_once(at_once):
    results = at_once(lambda: submit(ai("a"), ai("b", "a")), 6)
    assert {tuple(row.task_id for row in rows) for rows in results} == {("a", "b")}
    assert Task.objects.count() == 2
    assert Dependency.objects.count() == 1
    assert Worker.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_lapsed_lease_is_taken_back_once(at_once):
    submit(ai("a"))
    services.assign(NOON, worker="w", lease=60)
    results = at_once(lambda: services.reclaim_expired(later(61)), 6)
    assert sorted(results) == [(0, 0)] * 5 + [(1, 0)]
    assert statuses() == {"a": "queued"}


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
