"""What one call submits, before any of it is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.scheduling import submission
from operations.scheduling.planner.graph import CyclicDependency, UnknownDependency
from operations.scheduling.scheduler import DifferentTask, unique_tasks
from operations.scheduling.submission import Chain, TaskState
from operations.scheduling.task_spec import AITask, TaskPriority


def ai(name, *needs, seconds=60.0, priority=TaskPriority.LOW):
    return AITask(name, "train", priority, seconds, needs)


def batch(*tasks):
    return unique_tasks(tasks)


def test_one_id_may_stand_twice_for_one_task_only():
    assert list(batch(ai("a"), ai("a"))) == ["a"]
    with pytest.raises(DifferentTask):
        batch(ai("a"), ai("a", seconds=1))


def test_every_dependency_must_be_known():
    submission.check_dependencies(batch(ai("a", "b"), ai("b", "stored")), {"stored"})
    with pytest.raises(UnknownDependency):
        submission.check_dependencies(batch(ai("a", "b")), ())


def test_a_cycle_through_stored_tasks_begins_with_the_first_task_given():
    with pytest.raises(CyclicDependency, match="x -> a -> b -> x"):
        submission.check_acyclic(batch(ai("x", "b"), ai("a", "x")), {"b": ["a"], "a": []})


def test_work_that_frees_urgent_work_begins_the_better_chain():
    tasks = batch(ai("a", seconds=10), ai("b", "a", seconds=1, priority=TaskPriority.CRITICAL))
    found = submission.chains(tasks, {"a": 10.0, "b": 1.0})
    assert found == {"a": Chain(9.0, 11.0), "b": Chain(8.0, 1.0)}


def test_urgency_climbs_only_as_long_as_it_helps():
    states = {
        1: TaskState(1, 100, Chain(1, 100)),
        2: TaskState(1, 1, Chain(1, 1)),
        3: TaskState(1, 50, Chain(1, 50)),
    }
    offers = [(1, Chain(8, 1)), (9, Chain(8, 1)), (2, Chain(0.1, 1))]
    found = submission.inherited_chains(offers, states, {1: [2, 3], 2: [3]})
    assert found == {1: Chain(9, 101), 3: Chain(10, 151)}


@given(st.lists(st.sets(st.integers(0, 9), max_size=3), min_size=1, max_size=10))
def test_an_order_has_every_task_after_all_that_it_needs(needs):
    tasks = batch(
        *(ai(str(at), *(str(n) for n in each if n < at)) for at, each in enumerate(needs))
    )
    line = submission.in_order(tasks)
    place = {name: at for at, name in enumerate(line)}
    assert sorted(place) == sorted(tasks)
    assert all(place[need] < place[n] for n, t in tasks.items() for need in t.dependencies)


PLAIN = {"task_id": "a", "task_type": "t", "priority": "high", "estimated_duration": 5}


@pytest.mark.parametrize(
    "changed",
    [
        {"more": 1},
        {"estimated_duration": True},
        {"estimated_duration": -1},
        {"dependencies": "ab"},
        {"dependencies": ["x"] * 1001},
        {"dependencies": [" x"]},
        {"task_id": 5},
        {"task_type": ""},
        {"priority": 9},
    ],
)
def test_what_is_not_plainly_valid_is_left_to_the_fields(changed):
    assert submission.parse_valid(PLAIN | changed) is None
    assert submission.parse_valid([]) is None


def test_a_plainly_valid_task_is_read_as_the_fields_would():
    read = submission.parse_valid(PLAIN | {"dependencies": ["x"]})
    assert read == PLAIN | {
        "priority": TaskPriority.HIGH,
        "estimated_duration": 5.0,
        "dependencies": ["x"],
    }
