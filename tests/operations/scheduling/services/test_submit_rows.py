"""The rows that submit returns equal those in the database."""

from datetime import UTC, datetime

import pytest

from operations.scheduling.models import Dependency, Pool, Task
from operations.scheduling.services import submit as services
from operations.scheduling.task_spec import AITask, TaskPriority

NOON = datetime(2026, 11, 20, 12, 30, 15, 123456, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def task(name, *needs, kind="train", seconds=0.1):
    return AITask(name, kind, TaskPriority.CRITICAL, seconds, needs)


def submit(*tasks):
    return services.submit(tasks, NOON)


def test_every_column_holds_the_given_value():
    Pool.objects.create(name="score")
    odd = ("ü\"'\\%s", 0.1 + 0.2), ("b", 1 / 3), ("c", 2592000.0), ("d", 0.0), ("e", 1e-9)
    rows = submit(
        *(task(name, seconds=seconds) for name, seconds in odd),
        task("last", "c", "b", kind="score"),
    )
    stored = {row.task_id: row for row in Task.objects.all()}
    for row in rows:
        for field in Task._meta.concrete_fields:
            told, kept = getattr(row, field.attname), getattr(stored[row.task_id], field.attname)
            assert told == kept, (row.task_id, field.name)
    assert rows[-1].pool.name == "score"
    assert rows[-1].worker is None


def test_numbers_grow_with_the_line_and_dependencies_keep_their_order():
    submit(task("old"))
    submit(task("c", "b", "old", "a"), task("b", "a"), task("a"))
    assert list(Task.objects.order_by("pk").values_list("task_id", flat=True)) == [
        "old", "a", "b", "c",
    ]  # fmt: skip
    links = Dependency.objects.order_by("pk").filter(task__task_id="c")
    assert list(links.values_list("needs__task_id", flat=True)) == ["b", "old", "a"]


def test_what_was_lost_before_it_came_is_ended():
    submit(task("a"))
    Task.objects.update(status="failed")
    [row] = submit(task("b", "a"))
    row.refresh_from_db()
    assert (row.status, row.completed_at, row.error) == ("failed", NOON, "dependency a failed")


def test_nothing_is_written_for_a_call_of_known_tasks():
    submit(task("a"))
    submit(task("a"))
    assert Task.objects.count() == 1
