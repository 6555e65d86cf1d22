"""A stored task in words."""

from datetime import UTC, datetime, timedelta

import pytest

from operations.scheduling import services
from operations.scheduling.backlog import UnknownTask
from operations.scheduling.models import Dependency, Pool, Task, TaskDurationStats, Worker
from operations.scheduling.reports import tasks as reports
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, TaskPriority

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def why(name, now=NOON):
    return reports.task_detail(name, now)["why"]


def test_each_task_tells_why_it_waits_or_how_it_ended():
    Pool.objects.create(name="gpu")
    made = [("a", "t", 4), ("b", "t", 1), ("c", "t", 1), ("g", "gpu", 1)]
    now = [AITask(name, kind, TaskPriority(priority), 60) for name, kind, priority in made]
    submission.submit([*now, AITask("d", "t", TaskPriority(1), 60, ["b", "c"])], NOON)
    assert why("b") == "behind 1"
    assert why("c") == "behind 2"
    assert why("d") == "blocked by b, c"
    assert why("g") == "no worker in its pool (gpu)"
    services.assign(NOON, worker="w")
    assert why("a") == "running"
    services.complete("a", now=NOON, success=False, error="lost")
    assert why("a") == "failed: lost"
    with pytest.raises(UnknownTask):
        why("ghost")


def test_a_task_whose_workers_are_silent_says_since_when():
    Pool.objects.create(name="gpu")
    submission.submit([AITask(name, "gpu", TaskPriority(1), 60) for name in "ab"], NOON)
    services.assign(NOON, worker="agent", pool="gpu")
    assert why("b", NOON + timedelta(seconds=90)) == "behind 0"
    words = "no worker in its pool (gpu) calls any more: the last call was 20 Nov 2026, 12:00 UTC"
    assert why("b", NOON + timedelta(seconds=91)) == words


def test_rows_name_themselves():
    submission.submit(
        [AITask("a", "t", TaskPriority(1), 60), AITask("b", "t", TaskPriority(1), 60, ["a"])], NOON
    )
    services.assign(NOON, worker="w")
    services.complete("a", now=NOON)
    rows = [Task.objects.get(task_id="a"), Pool.objects.get(), Worker.objects.get(name="w")]
    assert [str(each) for each in rows] == ["a", "default", "w"]
    assert str(TaskDurationStats.objects.get()) == "t"
    link = Dependency.objects.get()
    assert str(link) == "b needs a"
