"""What one call submits, before any of it is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.scheduling import submission
from operations.scheduling.planner.graph import CyclicDependency, UnknownDependency
from operations.scheduling.planner.urgency import queue_key
from operations.scheduling.scheduler import DifferentTask, unique_tasks
from operations.scheduling.submission import (
    COLUMNS,
    Chain,
    NewTaskRow,
    TaskState,
    initial_status,
    new_rows,
    values,
)
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


NOON = 1_700_000_000.0


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ([], ("queued", "")),
        ([("a", "completed")], ("queued", "")),
        ([("a", "completed"), ("b", "running")], ("pending", "")),
        ([("a", "pending"), ("b", "failed"), ("c", "failed")], ("failed", "dependency b failed")),
    ],
)
def test_a_new_task_stands_as_what_it_needs_lets_it(needs, expected):
    assert initial_status(needs) == expected


def test_the_rows_follow_the_line_and_count_what_they_wait_for():
    tasks = {
        name: AITask(name, "train", TaskPriority.HIGH, 60.0, needs)
        for name, needs in {"c": ("b", "old"), "b": ("a", "lost"), "a": ("old",)}.items()
    }
    found = {name: (30.0, 7, Chain(4.0, 30.0)) for name in tasks}
    rows = new_rows(tasks, ["a", "b", "c"], {"old": "running", "lost": "failed"}, found, NOON)
    assert [
        (row.task_id, row.status, row.unmet_dependencies, row.error) for row in rows.values()
    ] == [
        ("a", "pending", 1, ""),
        ("b", "failed", 0, "dependency lost failed"),
        ("c", "failed", 0, "dependency b failed"),
    ]
    assert rows["a"].queue_key is None


def test_a_ready_task_has_its_place_in_the_queue():
    task = AITask("a", "train", TaskPriority.HIGH, 60.0)
    found = {"a": (30.0, 7, Chain(4.0, 30.0))}
    [row] = new_rows({"a": task}, ["a"], {}, found, NOON).values()
    assert row == NewTaskRow(
        "a", "train", 3, 60.0, 30.0, 7, "queued", 0, 4.0, 30.0, queue_key(NOON, 4 / 30), "", ""
    )
    assert len(values(row, "now")) == len(COLUMNS)
    assert values(row, "now")[-6:-3] == ("now", "now", None)
    assert values(row._replace(status="failed"), "now")[-6:-3] == ("now", None, "now")
