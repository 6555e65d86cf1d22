import json

import pytest

from operations.scheduling.planner.urgency import queue_key
from operations.scheduling.submission import Chain
from operations.scheduling.submit_sql import NewTaskRow, initial_status, new_rows, with_times
from operations.scheduling.task_spec import AITask, TaskPriority

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
        "a", "train", 3, 60.0, 30.0, 7, "queued", 0, 4.0, 30.0, queue_key(NOON, 4 / 30), ""
    )
    assert json.loads(json.dumps([row])) == [list(row)]
    assert with_times([row], "now")[0][-3:] == ("now", "now", None)
    assert with_times([row._replace(status="failed")], "now")[0][-3:] == ("now", None, "now")
