"""The figures of the contract, from rows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from operations.scheduling import services as tasks
from operations.scheduling.models import Pool, Task, Worker
from operations.scheduling.planner.plan import make_plan, repeatable_effort
from operations.scheduling.reports import planning
from operations.scheduling.reports.metrics import queue_metrics
from operations.scheduling.services import replan
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, TaskPriority
from tests.operations.scheduling.cases import one_pool

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def later(seconds):
    return NOON + timedelta(seconds=seconds)


def submit(*rows, kind="train", now=NOON):
    made = [AITask(name, kind, TaskPriority(2), seconds, needs) for name, seconds, needs in rows]
    return submission.submit(made, now)


def staff_since(at):
    """The default workers, there since then."""
    Worker.objects.update(created_at=at)


def test_nothing_stored_is_all_zero(settings):
    settings.NUM_WORKERS = 3
    metrics, bottlenecks = queue_metrics(NOON)
    assert (metrics["total_tasks"], metrics["makespan_seconds"]) == (0, 0)
    assert (metrics["total_workers"], metrics["active_workers"]) == (3, 0)
    assert metrics["avg_completion_time_seconds"] == 0
    assert bottlenecks == []
    assert not Worker.objects.exists()


def test_the_lack_of_any_worker_is_reported(settings):
    settings.NUM_WORKERS = 0
    submit(("a", 10, []))
    metrics, bottlenecks = queue_metrics(NOON)
    assert (metrics["makespan_seconds"], metrics["worker_utilization_percent"]) == (None, 0)
    assert [each["type"] for each in bottlenecks] == ["no_workers"]


def test_what_most_tasks_wait_for_is_named():
    submit(("never", 1, ()), ("other", 1, ()), kind="gpu")
    submit(*((f"a{each}", 1, ("never",)) for each in range(3)), ("b", 1, ("other", "a0")))
    _, found = queue_metrics(NOON)
    [blocked] = [each for each in found if each["type"] == "dependency_blocking"]
    assert blocked["tasks"] == ("never", "other", "a0")
    assert "most for never (3 tasks), other (1 task), a0 (1 task)" in str(blocked["description"])


def test_what_ran_in_the_last_hour_counts():
    submit(("a", 100, []), ("b", 100, []), ("c", 100, []))
    staff_since(NOON)
    tasks.assign(NOON, count=3)
    tasks.complete("a", now=later(600))
    tasks.complete("b", now=later(1800), success=False)
    metrics, _ = queue_metrics(later(3600))
    assert metrics["avg_completion_time_seconds"] == 1200
    assert (metrics["throughput_per_hour"], metrics["active_workers"]) == (1, 1)
    busy = 100 * (600 + 1800 + 3600) / (4 * 3600)
    assert metrics["worker_utilization_percent"] == pytest.approx(busy, abs=0.01)


def test_running_tasks_keep_their_worker_slots():
    submit(*((f"t{each}", 100, []) for each in range(6)))
    tasks.assign(NOON, worker="w", count=2)
    tasks.assign(NOON, worker="gone")
    Worker.objects.filter(name="gone").delete()
    seen = planning.open_work(later(30))
    assert seen.workers == ["w", "w", "unknown"]  # those that never called are not planned for
    assert sorted(seen.problem.running.values()) == [0, 1, 2]
    assert sorted(seen.problem.seconds) == [70, 70, 70, 100, 100, 100]


def test_one_more_worker_saves_what_a_fresh_plan_with_it_says(settings):
    settings.NUM_WORKERS = 1
    submit(("a", 100, []), ("b", 100, []))
    _, found = queue_metrics(NOON)
    (gain,) = [each for each in found if each["type"] == "worker_gain"]
    seen = planning.open_work(NOON).problem
    more = one_pool(seen.graph, seen.durations, 2, seen.weights)
    again = make_plan(more, effort=repeatable_effort(2)).certificate.makespan or 0.0
    assert gain["seconds_saved"] == 200 - again == 100
    assert "One more worker would save 1 min 40 s of 3 min 20 s" in str(gain["description"])


def test_a_very_long_queue_is_judged_by_its_stored_plan():
    submit(("a", 100, []))
    assert queue_metrics(NOON, 0)[0]["makespan_seconds"] is None
    replan.replan(NOON)
    metrics, _ = queue_metrics(later(50), 0)
    assert metrics["makespan_seconds"] == 100
    assert metrics["planned_at"] == NOON.isoformat()


def test_no_question_more_is_asked_for_many_tasks_than_for_few():
    asked = []
    for size in (3, 60):
        submit(*((f"{size}-{each}", 10, []) for each in range(size)))
        with CaptureQueriesContext(connection) as queries:
            queue_metrics(NOON)
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_the_gantt_chart_has_running_and_planned_tasks():
    Pool.objects.create(name="nobody")
    submit(("a", 100, []), ("b", 50, ["a"]))
    submit(("never", 50, []), kind="nobody")
    tasks.assign(NOON, worker="w")
    assert [each.task_id for each in planning.gantt_tasks()] == ["a"]
    replan.replan(NOON)
    going, planned = planning.gantt_tasks()
    assert (going.worker, going.start, going.end, going.status) == (
        "w",
        NOON,
        later(100),
        "running",
    )
    assert (planned.task_id, planned.start, planned.priority) == ("b", later(100), "medium")
    Worker.objects.filter(name="w").delete()
    assert planning.gantt_tasks()[0].worker == "unknown"
    assert Task.objects.count() == 3
