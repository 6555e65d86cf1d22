import numpy as np
import pytest

from operations.scheduling.backlog import (
    Backlog,
    BacklogTask,
    NotRunning,
    UnknownTask,
    planning_problem,
)
from operations.scheduling.planner.graph import CyclicDependency, Graph
from operations.scheduling.planner.urgency import chain_ratios
from tests.operations.scheduling.cases import make_rng


def backlog(workers=1, **options):
    return Backlog({"all": [f"w{each}" for each in range(workers)], "none": []}, **options)


def add(to, name, *needs, weight=1.0, estimate=10.0, at=0.0, pool="all"):
    to.add(BacklogTask(name, needs, pool, weight, estimate, at))
    return to.tasks[name]


def started(of, at=0.0):
    return [each.name for each in of.assign(at)]


def test_a_task_waits_until_all_it_needs_is_completed():
    found = backlog(workers=3)
    a, b, c = add(found, "a"), add(found, "b"), add(found, "c", "a", "b")
    assert started(found) == ["a", "b"]
    found.finish(a, None, 5.0)
    assert (c.status, started(found, 5.0)) == ("pending", [])
    found.finish(b, None, 7.0)
    assert (c.status, c.ready_at) == ("queued", 7.0)
    assert started(found, 7.0) == ["c"]


def test_a_dependency_that_was_completed_before_counts_as_met():
    found = backlog()
    add(found, "a")
    started(found)
    found.finish(found.task("a"), None, 1.0)
    assert add(found, "b", "a", at=2.0).status == "queued"


def test_a_failure_fails_all_that_waits_for_it_however_far_off():
    found = backlog()
    add(found, "a"), add(found, "b", "a"), add(found, "c", "b", "a"), add(found, "d")
    started(found)
    found.finish(found.task("a"), "out of memory", 3.0)
    errors = {name: task.error for name, task in found.tasks.items()}
    assert errors == {
        "a": "out of memory", "b": "dependency a failed", "c": "dependency a failed", "d": "",
    }  # fmt: skip
    late = add(found, "e", "c", at=4.0)
    assert (late.status, late.error) == ("failed", "dependency c failed")
    assert found.count == {"pending": 0, "queued": 1, "running": 0, "completed": 0, "failed": 4}
    assert started(found, 4.0) == ["d"]


def test_a_completed_task_does_not_queue_a_waiter_that_failed_meanwhile():
    found = backlog(workers=2)
    add(found, "a"), add(found, "b"), add(found, "c", "a", "b")
    started(found)
    found.finish(found.task("a"), "no", 1.0)
    found.finish(found.task("b"), None, 2.0)
    assert found.task("c").status == "failed"


def test_the_most_urgent_goes_first_and_ties_by_arrival():
    found = backlog(workers=1)
    for name, weight in [("low", 1), ("high", 4), ("again", 4)]:
        add(found, name, weight=weight)
    order = []
    for _ in range(3):
        order += started(found)
        found.finish(found.task(order[-1]), None, 0.0)
    assert order == ["high", "again", "low"]


def test_strict_puts_the_class_first():
    for strict, first in [(False, "short"), (True, "critical")]:
        found = backlog(strict=strict)
        add(found, "short", weight=1, estimate=1)
        add(found, "critical", weight=8, estimate=100)
        assert started(found) == [first]


def test_an_hour_of_waiting_doubles_urgency():
    found = backlog()
    add(found, "old", weight=1, at=0.0)
    add(found, "new", weight=2, at=3601.0)
    assert started(found, 3601.0) == ["old"]


def test_work_that_frees_urgent_work_moves_up_when_that_arrives():
    found = backlog()
    add(found, "busy")
    started(found)
    add(found, "plain", weight=2)
    add(found, "gate", weight=1)
    assert found.explain(found.task("gate")) == "behind 1"
    add(found, "urgent", "gate", weight=8)
    assert found.explain(found.task("gate")) == "behind 0"
    assert found.explain(found.task("plain")) == "behind 1"
    found.finish(found.task("busy"), None, 1.0)
    assert started(found, 1.0) == ["gate"]


def test_nobody_hurries_for_work_that_failed():
    found = backlog(workers=1)
    add(found, "bad", weight=8, estimate=1)
    assert started(found) == ["bad"]
    add(found, "gate", weight=1)
    add(found, "plain", weight=2)
    add(found, "urgent", "gate", "bad", weight=8)
    assert found.explain(found.task("gate")) == "behind 0"
    found.finish(found.task("bad"), "no", 1.0)
    assert found.explain(found.task("gate")) == "behind 1"
    assert started(found, 1.0) == ["plain"]


def test_chains_are_those_of_the_planner_in_whatever_order_tasks_come():
    rng = make_rng(5)
    for _ in range(100):
        size = rng.randint(1, 12)
        needs = [
            sorted({rng.randrange(v) for _ in range(rng.randint(0, 2)) if v}) for v in range(size)
        ]
        weights = [rng.choice([1.0, 2.0, 4.0, 8.0]) for _ in range(size)]
        durations = [rng.uniform(0, 100) for _ in range(size)]
        expected = chain_ratios(Graph.from_needs(needs), np.array(weights), np.array(durations))
        found = backlog(workers=0)
        order = list(range(size))
        rng.shuffle(order)
        for task in order:
            add(found, str(task), *map(str, needs[task]), weight=weights[task],
                estimate=durations[task])  # fmt: skip
            if rng.random() < 0.3:
                found.refresh_chains()
        found.refresh_chains()
        for number in range(size):
            task = found.task(str(number))
            assert task.chain_weight / task.chain_seconds == pytest.approx(expected[number])


def test_a_cycle_through_later_tasks_is_refused_and_nothing_stored():
    found = backlog()
    add(found, "a", "c")
    add(found, "b", "a")
    with pytest.raises(CyclicDependency, match="cycle: c -> a -> b -> c"):
        add(found, "c", "b")
    assert set(found.tasks) == {"a", "b"}
    add(found, "d", "a", "b")
    with pytest.raises(CyclicDependency):
        add(found, "c", "d")


def test_only_a_running_task_can_end_and_the_same_end_may_be_reported_twice():
    found = backlog(workers=1)
    a, b = add(found, "a"), add(found, "b")
    with pytest.raises(NotRunning, match="task a is queued, not running"):
        found.finish(a, None, 0.0)
    started(found)
    found.finish(a, None, 1.0)
    found.finish(a, None, 9.0)
    assert a.ended_at == 1.0
    with pytest.raises(NotRunning, match="task a is completed"):
        found.finish(a, "no", 9.0)
    add(found, "c", "b")
    started(found, 2.0)
    found.finish(b, "no", 3.0)
    found.finish(b, "no", 9.0)
    with pytest.raises(NotRunning, match="task c is failed"):
        found.finish(found.task("c"), "no", 9.0)
    with pytest.raises(UnknownTask, match="there is no task z"):
        found.task("z")


def test_each_waiting_task_tells_why():
    found = backlog(workers=1)
    add(found, "a"), add(found, "b", "a", "ghost")
    add(found, "g", "a", pool="none"), add(found, "h", pool="none")
    add(found, "many", *"tuvwxyz")
    explain = {name: found.explain(task) for name, task in found.tasks.items()}
    assert explain["b"] == "blocked by a, ghost (unknown)"
    assert explain["many"].endswith("x (unknown), 2 more")
    assert explain["h"] == "no worker in its pool (none)"
    assert found.unknown_dependencies()[0] == ("b", "ghost")
    assert len(found.unknown_dependencies()) == 8
    started(found)
    assert found.explain(found.task("a")) == "running"
    found.finish(found.task("a"), "no", 1.0)
    assert found.explain(found.task("b")) == "failed: dependency a failed"
    assert ("b", "ghost") not in found.unknown_dependencies()


def test_open_tasks_are_seen_from_now():
    found = Backlog({"default": ["w1"], "idle": [], "gpu": ["g1", "g2"]})
    for name, needs, pool in [
        ("done", (), "default"), ("first", (), "gpu"), ("second", (), "gpu"), ("third", (), "gpu"),
        ("last", ("third", "done", "ghost"), "default"), ("never", (), "idle"),
    ]:  # fmt: skip
        found.add(BacklogTask(name, needs, pool, 2.0, 30.0, created_at=100.0))
    list(found.assign(110.0))
    found.finish(found.task("done"), None, 120.0)
    found.finish(found.task("first"), None, 120.0)
    list(found.assign(120.0))
    names, problem = planning_problem(found, 125.0)
    assert names == ["second", "third", "last", "never"]
    assert problem.pool_names == ["default", "idle", "gpu"]
    assert list(problem.workers) == [0, 2, 2]
    assert problem.pools.tolist() == [2, 2, 0, 1]
    assert problem.durations.tolist() == [15, 25, 30, 30]
    assert problem.running == {0: 2, 1: 1}
    assert problem.waited.tolist() == [0, 0, 0, 25]
    assert problem.graph.needs == [0, 0, 1, 0]


def test_a_task_that_runs_longer_than_estimated_is_about_to_end():
    found = Backlog({"default": ["w1"]})
    found.add(BacklogTask("a", (), "default", 1.0, 30.0, created_at=0.0))
    list(found.assign(0.0))
    assert planning_problem(found, 99.0)[1].durations.tolist() == [0]
