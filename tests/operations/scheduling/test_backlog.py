import numpy as np
import pytest

from operations.scheduling.backlog import Backlog, Entry, NotRunning, UnknownTask
from operations.scheduling.planner.graph import CyclicDependency, Graph
from operations.scheduling.planner.urgency import chain_ratios
from tests.operations.scheduling.cases import dice


def backlog(workers=1, **options):
    return Backlog({"all": [f"w{each}" for each in range(workers)], "none": []}, **options)


def add(to, name, *needs, weight=1.0, estimate=10.0, at=0.0, pool="all"):
    to.add(Entry(name, needs, pool, weight, estimate, at))
    return to.entries[name]


def taken(of, at=0.0):
    return [each.name for each in of.take(at)]


def test_a_task_waits_until_all_it_needs_is_completed():
    found = backlog(workers=3)
    a, b, c = add(found, "a"), add(found, "b"), add(found, "c", "a", "b")
    assert taken(found) == ["a", "b"]
    found.end(a, None, 5.0)
    assert (c.status, taken(found, 5.0)) == ("pending", [])
    found.end(b, None, 7.0)
    assert (c.status, c.ready_at) == ("queued", 7.0)
    assert taken(found, 7.0) == ["c"]


def test_a_dependency_that_was_completed_before_counts_as_met():
    found = backlog()
    add(found, "a")
    taken(found)
    found.end(found.entry("a"), None, 1.0)
    assert add(found, "b", "a", at=2.0).status == "queued"


def test_a_failure_fails_all_that_waits_for_it_however_far_off():
    found = backlog()
    add(found, "a"), add(found, "b", "a"), add(found, "c", "b", "a"), add(found, "d")
    taken(found)
    found.end(found.entry("a"), "out of memory", 3.0)
    errors = {name: entry.error for name, entry in found.entries.items()}
    assert errors == {
        "a": "out of memory", "b": "dependency a failed", "c": "dependency a failed", "d": "",
    }  # fmt: skip
    late = add(found, "e", "c", at=4.0)
    assert (late.status, late.error) == ("failed", "dependency c failed")
    assert found.count == {"pending": 0, "queued": 1, "running": 0, "completed": 0, "failed": 4}
    assert taken(found, 4.0) == ["d"]


def test_a_completed_task_wakes_nobody_who_failed_meanwhile():
    found = backlog(workers=2)
    add(found, "a"), add(found, "b"), add(found, "c", "a", "b")
    taken(found)
    found.end(found.entry("a"), "no", 1.0)
    found.end(found.entry("b"), None, 2.0)
    assert found.entry("c").status == "failed"


def test_the_most_urgent_goes_first_and_ties_by_arrival():
    found = backlog(workers=1)
    for name, weight in [("low", 1), ("high", 4), ("again", 4)]:
        add(found, name, weight=weight)
    order = []
    for _ in range(3):
        order += taken(found)
        found.end(found.entry(order[-1]), None, 0.0)
    assert order == ["high", "again", "low"]


def test_strict_puts_the_class_first():
    for strict, first in [(False, "short"), (True, "critical")]:
        found = backlog(strict=strict)
        add(found, "short", weight=1, estimate=1)
        add(found, "critical", weight=8, estimate=100)
        assert taken(found) == [first]


def test_an_hour_of_waiting_doubles_urgency():
    found = backlog()
    add(found, "old", weight=1, at=0.0)
    add(found, "new", weight=2, at=3601.0)
    assert taken(found, 3601.0) == ["old"]


def test_work_that_frees_urgent_work_moves_up_when_that_arrives():
    found = backlog()
    add(found, "busy")
    taken(found)
    add(found, "plain", weight=2)
    add(found, "gate", weight=1)
    assert found.why(found.entry("gate")) == "behind 1"
    add(found, "urgent", "gate", weight=8)
    assert found.why(found.entry("gate")) == "behind 0"
    assert found.why(found.entry("plain")) == "behind 1"
    found.end(found.entry("busy"), None, 1.0)
    assert taken(found, 1.0) == ["gate"]


def test_nobody_hurries_for_work_that_failed():
    found = backlog(workers=1)
    add(found, "bad", weight=8, estimate=1)
    assert taken(found) == ["bad"]
    add(found, "gate", weight=1)
    add(found, "plain", weight=2)
    add(found, "urgent", "gate", "bad", weight=8)
    assert found.why(found.entry("gate")) == "behind 0"
    found.end(found.entry("bad"), "no", 1.0)
    assert found.why(found.entry("gate")) == "behind 1"
    assert taken(found, 1.0) == ["plain"]


def test_chains_are_those_of_the_planner_in_whatever_order_tasks_come():
    chance = dice(5)
    for _ in range(100):
        size = chance.randint(1, 12)
        needs = [
            sorted({chance.randrange(v) for _ in range(chance.randint(0, 2)) if v})
            for v in range(size)
        ]
        weights = [chance.choice([1.0, 2.0, 4.0, 8.0]) for _ in range(size)]
        durations = [chance.uniform(0, 100) for _ in range(size)]
        expected = chain_ratios(Graph.from_needs(needs), np.array(weights), np.array(durations))
        found = backlog(workers=0)
        order = list(range(size))
        chance.shuffle(order)
        for task in order:
            add(found, str(task), *map(str, needs[task]), weight=weights[task],
                estimate=durations[task])  # fmt: skip
            if chance.random() < 0.3:
                found.refresh()
        found.refresh()
        for task in range(size):
            entry = found.entry(str(task))
            assert entry.gain / entry.cost == pytest.approx(expected[task])


def test_a_ring_through_later_tasks_is_refused_and_nothing_stored():
    found = backlog()
    add(found, "a", "c")
    add(found, "b", "a")
    with pytest.raises(CyclicDependency, match="cycle: c -> a -> b -> c"):
        add(found, "c", "b")
    assert set(found.entries) == {"a", "b"}
    add(found, "d", "a", "b")
    with pytest.raises(CyclicDependency):
        add(found, "c", "d")


def test_only_what_runs_can_end_and_the_same_end_may_be_told_twice():
    found = backlog(workers=1)
    a, b = add(found, "a"), add(found, "b")
    with pytest.raises(NotRunning, match="task a is queued, not running"):
        found.end(a, None, 0.0)
    taken(found)
    found.end(a, None, 1.0)
    found.end(a, None, 9.0)
    assert a.ended_at == 1.0
    with pytest.raises(NotRunning, match="task a is completed"):
        found.end(a, "no", 9.0)
    add(found, "c", "b")
    taken(found, 2.0)
    found.end(b, "no", 3.0)
    found.end(b, "no", 9.0)
    with pytest.raises(NotRunning, match="task c is failed"):
        found.end(found.entry("c"), "no", 9.0)
    with pytest.raises(UnknownTask, match="there is no task z"):
        found.entry("z")


def test_each_waiting_task_tells_why():
    found = backlog(workers=1)
    add(found, "a"), add(found, "b", "a", "ghost")
    add(found, "g", "a", pool="none"), add(found, "h", pool="none")
    add(found, "many", *"tuvwxyz")
    why = {name: found.why(entry) for name, entry in found.entries.items()}
    assert why["b"] == "blocked by a, ghost (unknown)"
    assert why["many"].endswith("x (unknown), 2 more")
    assert why["h"] == "no worker in its pool (none)"
    assert found.unknown()[0] == ("b", "ghost")
    assert len(found.unknown()) == 8
    taken(found)
    assert found.why(found.entry("a")) == "running"
    found.end(found.entry("a"), "no", 1.0)
    assert found.why(found.entry("b")) == "failed: dependency a failed"
    assert ("b", "ghost") not in found.unknown()
