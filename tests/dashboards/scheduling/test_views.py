"""The page of the task queue."""

import csv
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from aethercrown.formatting import Unit
from dashboards.scheduling import charts
from operations.scheduling import services as tasks
from operations.scheduling.services import replan
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, GanttTask, TaskPriority

PAGE = "/dashboards/scheduling"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rows(answer):
    return list(csv.reader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))


@pytest.fixture
def queue(db):
    now = timezone.now()
    work = [AITask(f"t{each}", "train", TaskPriority(1 + each % 4), 600.0) for each in range(11)]
    submission.submit([*work, AITask("last", "train", TaskPriority(2), 600.0, ["t0"])], now)
    tasks.assign(now, worker="agent")
    replan.replan(now)


def bar(name, start, end, worker="w", status="queued"):
    at = [NOON + timedelta(seconds=each) for each in (start, end)]
    return GanttTask(name, "train", "low", status, worker, *at)


def test_an_empty_queue_says_how_tasks_come_in(page, db):
    assert "No task has been submitted yet" in page.get(PAGE).content.decode()


def test_the_plan_its_figures_and_its_bottlenecks_are_shown(page, queue):
    text = page.get(PAGE).content.decode()
    for words in (
        "Running and planned tasks by worker",
        "1 of 1 worker",
        "Tasks waiting",
        "No task ended in the period",
        "no plan is shorter",
        "agent",
    ):
        assert words in text
    assert "One more worker would save" in text
    header, *lines = rows(page.get(f"{PAGE}?format=csv"))
    assert header == ["Task", "Type", "Priority", "Status", "Worker", "Start", "End"]
    assert len(lines) == 12
    assert rows(page.get(f"{PAGE}?format=csv&table=bottlenecks"))[0][0] == "Bottleneck"


def test_done_work_leaves_an_empty_plan(page, db):
    now = timezone.now()
    submission.submit([AITask("a", "train", TaskPriority(1), 60)], now)
    tasks.assign(now)
    tasks.complete("a", now=now)
    text = page.get(PAGE).content.decode()
    assert "No task runs or is planned" in text
    assert "Nothing." in text


def test_the_page_asks_a_fixed_number_of_questions(page, queue, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        page.get(PAGE)


def test_a_period_that_ends_before_it_starts_is_said(page, db):
    answer = page.get(f"{PAGE}?from=2026-03-02&to=2026-03-01")
    assert answer.status_code == 400
    assert "before it starts" in answer.content.decode()


@pytest.mark.parametrize(
    ("seconds", "size", "suffix"),
    [(119, 1, "s"), (120, 60, "min"), (7200, 3600, "h"), (172_800, 86_400, "d")],
)
def test_times_come_in_a_unit_that_reads_well(seconds, size, suffix):
    assert charts.scale(seconds)[0] == size
    assert charts.scale(seconds)[1].suffix == f"\u00a0{suffix}"
    assert isinstance(charts.scale(seconds)[1], Unit)


def test_what_does_not_fit_is_in_the_table_only():
    many = [bar(f"t{each}", each, each + 1) for each in range(402)]
    drawn = charts.gantt(many, NOON)
    assert "The table has 2 more tasks." in drawn.note
    assert len(drawn.table.rows) == 402
    staff = [bar(f"t{each}", 0, 1, worker=f"w{each}") for each in range(21)]
    assert "The table has 1 more task." in charts.gantt(staff, NOON).note


def test_what_overran_lasts_until_now_and_the_past_does_not_squeeze_what_lies_ahead():
    long_ago, ahead = bar("a", -5000, -400, status="running"), bar("b", 0, 100)
    drawn = charts.stretch(long_ago, NOON, 60.0, 1500.0)
    assert (drawn.start, drawn.end) == (-25.0, 0.0)
    assert charts.stretch(ahead, NOON, 1.0, 1500.0).end == 100.0


def test_a_plan_that_can_never_end_or_is_not_the_best_says_so():
    assert charts.bound_text(None, None) == "a task can never run"
    assert charts.bound_text(7200.0, 0.5) == "no plan is shorter than 2 h"
    metrics = {
        "queued": 1,
        "pending": 0,
        "running": 0,
        "active_workers": 0,
        "total_workers": 0,
        "makespan_seconds": None,
        "makespan_lower_bound_seconds": None,
        "makespan_gap_percent": None,
        "worker_utilization_percent": 0.0,
        "throughput_per_hour": 0,
    }
    assert [each.missing for each in charts.plan_tiles(metrics)] == [False, True, False]
