from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.scheduling.backlog import NotRunning, UnknownTask
from operations.scheduling.planner.graph import CyclicDependency, UnknownDependency
from operations.scheduling.planner.search import ONE_PASS
from operations.scheduling.scheduler import AITask, DifferentTask, TaskPriority, TaskScheduler
from tests.operations.scheduling.cases import make_rng


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def task(name, *needs, priority=TaskPriority.MEDIUM, seconds=10, kind="index"):
    return AITask(name, kind, priority, seconds, needs)


def names(assigned):
    return [(worker, each.task_id) for worker, each in assigned]


def test_the_documented_calls_work_without_a_database():
    scheduler = TaskScheduler(num_workers=2)
    scheduler.add_task(AITask("fetch", "etl", TaskPriority.HIGH, 30))
    scheduler.add_task(AITask("train", "model", TaskPriority.CRITICAL, 600, dependencies=["fetch"]))
    scheduler.add_task(AITask("report", "etl", TaskPriority.LOW, 60))
    assert names(scheduler.assign_tasks()) == [("worker-1", "fetch"), ("worker-2", "report")]
    scheduler.complete_task("fetch")
    assert names(scheduler.assign_tasks()) == [("worker-1", "train")]
    metrics = scheduler.get_metrics()
    assert {name: metrics[name] for name in ("total_tasks", "running", "completed")} == {
        "total_tasks": 3, "running": 2, "completed": 1,
    }  # fmt: skip
    assert scheduler.identify_bottlenecks() == []


def test_an_empty_scheduler_has_nothing_to_tell():
    scheduler = TaskScheduler()
    assert scheduler.assign_tasks() == []
    assert scheduler.identify_bottlenecks() == []
    metrics = scheduler.get_metrics()
    assert metrics.pop("total_workers") == 4
    assert set(metrics.values()) == {0}


def test_metrics_hold_all_that_the_contract_names():
    clock = Clock()
    scheduler = TaskScheduler(2, clock=clock)
    for each in [task("a"), task("b", "a"), task("c"), task("d"), task("e", "c")]:
        scheduler.add_task(each)
    scheduler.assign_tasks()
    clock.now += 30
    scheduler.complete_task("a")
    scheduler.complete_task("c", success=False, error="no memory")
    clock.now += 60
    assert scheduler.get_metrics() == {
        "total_tasks": 5, "pending": 0, "queued": 2, "running": 0, "completed": 1, "failed": 2,
        "avg_completion_time_seconds": 30.0, "throughput_per_hour": 1,
        "worker_utilization_percent": 33.33, "active_workers": 0, "total_workers": 2,
        "makespan_seconds": 10.0, "makespan_lower_bound_seconds": 10.0,
        "makespan_gap_percent": 0.0,
    }  # fmt: skip


def test_without_workers_the_makespan_is_unknown_and_the_reason_is_given():
    scheduler = TaskScheduler(0)
    scheduler.add_task(task("a"))
    metrics = scheduler.get_metrics()
    assert metrics["makespan_seconds"] is None
    assert metrics["makespan_gap_percent"] is None
    assert metrics["worker_utilization_percent"] == 0
    assert [each["type"] for each in scheduler.identify_bottlenecks()] == ["no_workers"]
    assert scheduler.explain("a") == "no worker in its pool (default)"


def test_bottlenecks_come_as_mappings_with_what_one_more_worker_would_save():
    scheduler = TaskScheduler(1)
    scheduler.add_tasks(task(f"t{each}") for each in range(6))
    scheduler.add_task(task("orphan", "ghost"))
    found = {each["type"]: each for each in scheduler.identify_bottlenecks()}
    assert set(found) == {"high_queue_length", "unknown_dependency", "work", "worker_gain"}
    assert found["worker_gain"]["seconds_saved"] == 30
    assert {"type", "severity", "description", "suggestion"} < set(found["work"])


def test_a_pool_takes_its_own_type_only():
    scheduler = TaskScheduler(1, pools={"gpu": 1})
    scheduler.add_tasks([task("a", kind="gpu"), task("b", kind="gpu"), task("c")])
    assert names(scheduler.assign_tasks()) == [("worker-1", "c"), ("gpu-1", "a")]


def test_the_same_task_again_changes_nothing_and_another_one_is_refused():
    scheduler = TaskScheduler()
    first = scheduler.add_task(task("a"))
    assert scheduler.add_task(task("a")) is first
    scheduler.add_task(task("b", "x", "y"))
    scheduler.add_task(task("b", "y", "x"))
    with pytest.raises(DifferentTask, match="task a is there already"):
        scheduler.add_task(task("a", seconds=11))
    assert scheduler.get_metrics()["total_tasks"] == 2


def test_a_cycle_of_tasks_is_refused_with_its_names():
    scheduler = TaskScheduler()
    scheduler.add_task(task("a", "b"))
    with pytest.raises(ValueError, match="cycle: b -> a -> b"):
        scheduler.add_task(task("b", "a"))
    assert scheduler.get_metrics()["total_tasks"] == 1


def test_a_batch_comes_in_any_order_or_not_at_all():
    scheduler = TaskScheduler()
    stored = scheduler.add_tasks([task("b", "a"), task("a"), task("b", "a")])
    assert [each.task_id for each in stored] == ["b", "a"]
    assert scheduler.state("b").status == "pending"
    refused = [
        ([task("c"), task("d", "ghost")], UnknownDependency),
        ([task("c", "d"), task("d", "e"), task("e", "c")], CyclicDependency),
        ([task("c"), task("c", seconds=1)], DifferentTask),
        ([task("c"), task("a", seconds=1)], DifferentTask),
    ]
    for batch, error in refused:
        with pytest.raises(error):
            scheduler.add_tasks(batch)
    assert scheduler.get_metrics()["total_tasks"] == 2


def test_a_batch_may_not_close_a_cycle_through_earlier_tasks():
    scheduler = TaskScheduler()
    scheduler.add_task(task("a", "b", "later"))
    with pytest.raises(CyclicDependency, match="a -> c -> b -> a"):
        scheduler.add_tasks([task("b", "c"), task("c", "a")])
    scheduler.add_tasks([task("b")])
    assert scheduler.explain("a") == "blocked by b, later (unknown)"


def test_a_batch_may_need_what_ended_before():
    scheduler = TaskScheduler()
    scheduler.add_tasks([task("a")])
    scheduler.assign_tasks()
    scheduler.complete_task("a")
    scheduler.add_tasks([task("a"), task("b", "a")])
    assert scheduler.state("b").status == "queued"


def test_completing_needs_a_running_task():
    scheduler = TaskScheduler(1)
    scheduler.add_tasks([task("a"), task("b")])
    scheduler.assign_tasks()
    with pytest.raises(UnknownTask):
        scheduler.complete_task("z")
    with pytest.raises(NotRunning):
        scheduler.complete_task("b")
    assert scheduler.complete_task("a", success=False).task_id == "a"
    assert scheduler.complete_task("a", success=False).task_id == "a"
    with pytest.raises(NotRunning):
        scheduler.complete_task("a", success=True)
    assert scheduler.state("a").error == "failed"
    assert scheduler.get_metrics()["throughput_per_hour"] == 0


def test_success_teaches_how_long_a_kind_takes():
    clock = Clock()
    scheduler = TaskScheduler(1, clock=clock)
    for each, success in [("a", True), ("b", False)]:
        scheduler.add_task(task(each, seconds=10))
        scheduler.assign_tasks()
        clock.now += 640
        scheduler.complete_task(each, success=success)
    assert scheduler.learned["index"].runs == 1
    scheduler.add_task(task("c", seconds=10))
    assert scheduler.state("c").estimate == pytest.approx(20)


def test_a_plan_names_the_open_tasks():
    scheduler = TaskScheduler(2)
    scheduler.add_tasks([task("a"), task("b", "a")])
    listed, made = scheduler.plan(ONE_PASS)
    assert (listed, made.start) == (["a", "b"], [0, 10])
    assert scheduler.plan()[1].certificate.gap == 0


@pytest.mark.parametrize("given", [-1, True, 2.0, "4"])
def test_the_number_of_workers_is_a_whole_number(given):
    with pytest.raises(ValueError, match="the number of workers is"):
        TaskScheduler(given)
    with pytest.raises(ValueError, match="gpu: the number of workers is"):
        TaskScheduler(1, pools={"gpu": given})


def test_the_policy_is_known():
    with pytest.raises(ValueError, match="policy is 'fair'; it can be aged or strict"):
        TaskScheduler(policy="fair")


def test_two_threads_that_assign_never_give_a_task_twice():
    scheduler = TaskScheduler(500)
    scheduler.add_tasks(task(f"t{each}") for each in range(400))
    taken = []

    def assign():
        for _ in range(50):
            taken.extend(names(scheduler.assign_tasks()))

    threads = [Thread(target=assign) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({name for _, name in taken}) == len(taken) == 400
    assert len({worker for worker, _ in taken}) == 400


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from(["aged", "strict"]))
def test_whatever_happens_every_task_ends_and_no_rule_is_broken(seed, workers, policy):
    rng, clock = make_rng(seed), Clock()
    scheduler = TaskScheduler(workers, policy=policy, clock=clock)
    size = 15
    running: dict[str, str] = {}
    done: dict[str, str] = {}
    for k in range(size):
        needs = {f"t{rng.randrange(k)}" for _ in range(rng.randint(0, 2)) if k}
        scheduler.add_task(task(f"t{k}", *needs, priority=rng.randint(1, 4)))
    while len(done) < size:
        for worker, each in scheduler.assign_tasks():
            assert worker not in running.values()
            assert all(done[need] == "completed" for need in each.dependencies)
            running[each.task_id] = worker
        clock.now += rng.uniform(0, 100)
        name = rng.choice(list(running))
        scheduler.complete_task(name, success=rng.random() < 0.9)
        del running[name]
        done = {each: scheduler.state(each).status for each in scheduler.tasks}
        done = {each: status for each, status in done.items() if status in {"completed", "failed"}}
    for name, status in done.items():
        if any(done[need] == "failed" for need in scheduler.tasks[name].dependencies):
            assert status == "failed"
