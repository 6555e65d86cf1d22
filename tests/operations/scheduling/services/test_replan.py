"""The queue planned anew, and the minute's work."""

from datetime import UTC, datetime, timedelta

import pytest

from operations.automations import services as automations
from operations.automations.models import Automation
from operations.automations.registry import RunContext, automation_registry
from operations.scheduling import services as tasks
from operations.scheduling.models import Pool, Schedule, Task, Worker
from operations.scheduling.planner.search import ONE_PASS
from operations.scheduling.reports import planning
from operations.scheduling.services import replan
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, TaskPriority

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def later(seconds):
    return NOON + timedelta(seconds=seconds)


def submit(*rows, now=NOON):
    submission.submit(
        [AITask(name, "train", TaskPriority(2), seconds, needs) for name, seconds, needs in rows],
        now,
    )


def test_every_open_task_gets_a_place_and_the_plan_its_proof(settings):
    settings.NUM_WORKERS = 2
    submit(("a", 100, []), ("b", 50, ["a"]), ("c", 150, []))
    made = replan.replan(NOON)
    assert (made.makespan, made.lower_bound, made.gap, made.task_count) == (150, 150, 0, 3)
    row = Task.objects.get(task_id="b")
    assert (row.planned_start, row.planned_worker) == (later(100), "worker-1")
    tasks.assign(NOON)
    tasks.complete("a", now=later(40))
    assert replan.replan(later(40)).makespan == 110
    row.refresh_from_db()
    assert row.planned_start == later(40)
    assert Schedule.objects.count() == 1


def test_a_task_that_can_never_run_has_no_place():
    Pool.objects.create(name="train")
    submit(("a", 100, []))
    made = replan.replan(NOON, ONE_PASS)
    assert (made.makespan, made.binding) == (None, "no_workers")
    assert Task.objects.get().planned_start is None
    assert made.bottlenecks[0]["type"] == "no_workers"


def test_a_short_queue_is_planned_while_a_caller_waits():
    submit(("a", 100, []))
    assert replan.replan_briefly(NOON)
    assert Task.objects.get().planned_start == NOON
    assert not replan.replan_briefly(later(5), most=0)


def test_the_minutes_work_takes_back_hands_out_and_plans():
    submit(("a", 100, []), ("b", 50, []))
    tasks.assign(NOON, worker="w", lease=60)
    Worker.objects.create(name="p", pool=Pool.objects.get(), is_pushed=True)
    text = replan.assign_and_replan(later(61))
    assert text == (
        "After expired leases: 1 task queued again, 0 failed. 1 task assigned; "
        "2 open tasks planned for 2 workers: done in 1 min 40 s, at most 0.00% above the least."
    )
    assert str(Task.objects.get(status="running").worker) == "p"
    Worker.objects.update(is_active=False)
    tasks.complete(Task.objects.get(status="running").task_id, now=later(70))
    text = replan.assign_and_replan(later(80))
    assert text.endswith("planned for 0 workers: the end is unknown.")


def test_the_schedule_is_there_from_the_first_start_and_a_run_changes_what_it_says():
    row = Automation.objects.get(name="operations.assign_tasks")
    assert (row.mode, row.task.interval.every, row.task.interval.period) == ("auto", 1, "minutes")
    automation_registry.register(replan.AUTOMATIONS[0])
    submit(("a", 100, []))
    assert automations.dry_run(row.name, NOON).state == "dry run"
    assert not Schedule.objects.exists()
    replan.perform(RunContext(row.name, 1, NOON, NOON, "auto", dry_run=False))
    made = Schedule.objects.get()
    assert (made, made.task_count) == (planning.latest_schedule(), 1)
    assert str(made) == "Plan of 20 Nov 2026, 12:00 UTC"


def test_an_empty_queue_is_planned_too():
    assert "0 open tasks planned for 4 workers: done in 0 s" in replan.assign_and_replan(NOON)
