from typing import Any

import pytest

from operations.scheduling.planner.graph import CyclicDependency
from operations.scheduling.task_spec import AITask, InvalidTask, TaskPriority


def task(**changed):
    given: dict[str, Any] = {
        "task_id": "a",
        "task_type": "index",
        "priority": 2,
        "estimated_duration": 5,
    }
    return AITask(**(given | changed))


def test_a_task_is_made_as_documented():
    made = AITask("b", "index", TaskPriority.HIGH, 30.5, ["a", "c", "a"])
    assert made.priority is TaskPriority.HIGH
    assert made.dependencies == ("a", "c")


@pytest.mark.parametrize("given", [4, "critical", "CRITICAL", TaskPriority.CRITICAL])
def test_a_priority_is_a_number_or_a_name(given):
    assert task(priority=given).priority is TaskPriority.CRITICAL


@pytest.mark.parametrize("given", [0, 5, True, "urgent", None, 2.0])
def test_another_priority_is_refused(given):
    with pytest.raises(InvalidTask, match=r"priority is .*; it must be 1 to 4, or low"):
        task(priority=given)


@pytest.mark.parametrize("given", [0, 0.5, 30 * 86_400])
def test_durations_go_from_nothing_to_thirty_days(given):
    assert task(estimated_duration=given).estimated_duration == given


@pytest.mark.parametrize(
    "given", [-1, float("nan"), float("inf"), 30 * 86_400 + 1, True, "5", None]
)
def test_an_absurd_duration_is_refused(given):
    with pytest.raises(InvalidTask, match="from 0 to 2,592,000") as caught:
        task(estimated_duration=given)
    assert caught.value.field == "estimated_duration"


@pytest.mark.parametrize("field", ["task_id", "task_type"])
@pytest.mark.parametrize("given", ["", "  ", 7, None])
def test_ids_and_types_are_texts(field, given):
    with pytest.raises(InvalidTask, match=f"{field} is .*not blank"):
        task(**{field: given})


@pytest.mark.parametrize("given", ["abc", 7, [""], [None], {"a": 1}])
def test_dependencies_are_a_list_of_ids(given):
    with pytest.raises(InvalidTask, match="dependencies"):
        task(dependencies=given)


def test_no_dependencies_may_be_none():
    assert task(dependencies=None).dependencies == ()


def test_a_task_does_not_depend_on_itself():
    with pytest.raises(CyclicDependency, match="cycle: a -> a"):
        task(dependencies=["b", "a"])
