"""Ending tasks, and what depends on them."""

import pytest

from operations.scheduling import services
from operations.scheduling.backlog import NotRunning, UnknownTask
from operations.scheduling.models import Task, TaskDurationStats, Worker
from operations.scheduling.services.complete import WrongWorker
from tests.operations.scheduling.stored import NOON, ai, later, statuses, submit

pytestmark = pytest.mark.django_db


def test_the_end_of_a_task_readies_what_needs_nothing_else_and_teaches():
    submit(ai("a"), ai("b"), ai("c", "a", "b"))
    services.assign(NOON)
    services.complete("a", now=later(10))
    assert statuses()["c"] == "pending"
    services.complete("b", now=later(20))
    row = Task.objects.get(task_id="c")
    assert (row.status, row.ready_at) == ("queued", later(20))
    assert TaskDurationStats.objects.get().runs == 2
    assert Task.objects.get(task_id="b").run_seconds == 20


def test_a_failure_fails_all_that_waits_however_far_off():
    submit(ai("a"), ai("b", "a"), ai("c", "b"), ai("other"))
    services.assign(NOON, worker="w")
    services.complete("a", now=later(1), success=False, error="out of memory", worker="w")
    assert statuses() == {"a": "failed", "b": "failed", "c": "failed", "other": "queued"}
    assert Task.objects.get(task_id="a").error == "out of memory"
    assert Task.objects.get(task_id="c").error == "dependency b failed"
    assert Worker.objects.get(name="w").last_seen_at == later(1)


def test_saying_the_same_again_changes_nothing_and_the_contrary_is_refused():
    submit(ai("a"))
    services.assign(NOON)
    services.complete("a", now=later(1))
    assert services.complete("a", now=later(9)).completed_at == later(1)
    with pytest.raises(NotRunning, match="a is completed, not running"):
        services.complete("a", now=later(9), success=False)


def test_only_a_running_task_ends_and_only_by_its_own_worker():
    submit(ai("a"))
    with pytest.raises(UnknownTask, match="there is no task ghost"):
        services.complete("ghost", now=NOON)
    with pytest.raises(NotRunning, match="queued, not running"):
        services.complete("a", now=NOON)
    services.assign(NOON, worker="w")
    with pytest.raises(WrongWorker):
        services.complete("a", now=NOON, worker="x")
    assert statuses() == {"a": "running"}


def test_a_task_ends_even_where_its_worker_was_deleted():
    submit(ai("a"))
    services.assign(NOON, worker="w")
    Worker.objects.filter(name="w").delete()
    assert services.complete("a", now=later(1)).status == "completed"


@pytest.mark.django_db(transaction=True)
def test_one_end_is_counted_once_and_frees_its_waiters_once(at_once):
    submit(ai("a"), ai("b"), ai("c", "a", "b"))
    services.assign(NOON)
    names = iter(["a", "b"] * 4)
    results = at_once(lambda: services.complete(next(names), now=later(9)), 8)
    assert {row.status for row in results} == {"completed"}
    assert statuses()["c"] == "queued"
    assert Task.objects.get(task_id="c").unmet_dependencies == 0
    assert TaskDurationStats.objects.get().runs == 2
