"""Storing submissions: all tasks of a call, or none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from operations.scheduling import services
from operations.scheduling.models import Dependency, Task, Worker
from operations.scheduling.planner.graph import CyclicDependency, UnknownDependency
from operations.scheduling.reports import tasks as task_reports
from operations.scheduling.scheduler import DifferentTask
from operations.scheduling.services.submit import STAGED_FROM
from operations.scheduling.services.workers import ensure_pools
from tests.operations.scheduling.stored import NOON, ai, later, statuses, submit

pytestmark = pytest.mark.django_db


def test_a_task_without_dependencies_is_queued_and_one_that_needs_it_is_pending():
    rows = submit(ai("b", "a"), ai("a"))
    assert [row.task_id for row in rows] == ["b", "a"]
    assert statuses() == {"a": "queued", "b": "pending"}
    assert Task.objects.get(task_id="b").unmet_dependencies == 1


def test_the_same_task_again_is_the_stored_one_whatever_the_order_of_its_dependencies():
    submit(ai("a"), ai("b"), ai("c", "a", "b"))
    (again,) = submit(ai("c", "b", "a"), now=later(5))
    assert again.created_at == NOON
    assert Task.objects.count() == 3
    assert Dependency.objects.count() == 2


@pytest.mark.parametrize(
    "other", [ai("c", kind="score"), ai("c", seconds=61), ai("c", priority=4), ai("c", "a")]
)
def test_another_task_with_a_stored_id_is_refused_and_nothing_is_stored(other):
    submit(ai("a"), ai("c"))
    with pytest.raises(DifferentTask):
        submit(ai("new"), other)
    assert set(statuses()) == {"a", "c"}


def test_one_id_for_two_tasks_in_a_call_is_refused():
    with pytest.raises(DifferentTask):
        submit(ai("a"), ai("a", seconds=1))
    assert not Task.objects.exists()


def test_an_unknown_dependency_is_refused_and_nothing_is_stored():
    with pytest.raises(UnknownDependency) as caught:
        submit(ai("a"), ai("b", "a", "ghost"))
    assert caught.value.missing == [("b", "ghost")]
    assert not Task.objects.exists()


def test_a_cycle_is_named_in_order_and_nothing_is_stored():
    with pytest.raises(CyclicDependency, match="a -> b -> c -> a"):
        submit(ai("a", "c"), ai("b", "a"), ai("c", "b"))
    assert not Task.objects.exists()


def test_a_cycle_through_stored_tasks_is_named_in_order():
    submit(ai("a"), ai("b", "a"))
    with pytest.raises(CyclicDependency, match="new -> a -> b -> new"):
        submit(ai("new", "b"), ai("a", "new"))
    with pytest.raises(CyclicDependency, match="a -> b -> a"):
        submit(ai("a", "b"))
    assert statuses() == {"a": "queued", "b": "pending"}


def test_what_needs_a_completed_task_is_ready_and_what_needs_a_failed_one_fails():
    submit(ai("good"), ai("bad"))
    services.assign(NOON, count=2)
    services.complete("good", now=later(1))
    services.complete("bad", now=later(1), success=False)
    submit(ai("x", "good"), ai("y", "bad"), ai("z", "y"), now=later(2))
    assert statuses()["x"] == "queued"
    assert statuses()["y"] == statuses()["z"] == "failed"
    assert Task.objects.get(task_id="z").error == "dependency y failed"


def test_stored_work_inherits_the_urgency_of_new_work_that_needs_it():
    submit(ai("slow", seconds=600), ai("first", "slow", seconds=600), ai("quick", seconds=500))
    assert [row.task_id for row in line()] == ["quick", "slow"]
    submit(ai("urgent", "first", priority=4, seconds=1), now=later(1))
    assert [row.task_id for row in line()] == ["slow", "quick"]


def test_work_that_has_ended_or_leads_to_a_failure_inherits_nothing():
    submit(ai("a"), ai("b", "a"), ai("bad"))
    services.cancel("bad", now=NOON)
    before = dict(Task.objects.values_list("task_id", "chain_weight"))
    submit(ai("lost", "b", "bad", priority=4), now=later(1))
    services.assign(later(1), worker="w")
    submit(ai("late", "a", priority=4, seconds=1), now=later(2))
    assert {each: Task.objects.get(task_id=each).chain_weight for each in before} == before


def test_urgency_is_inherited_only_as_far_as_is_cheap():
    submit(ai("a"), ai("b", "a"), ai("c", "b"), ai("d", "b"))
    key = dict(Task.objects.values_list("task_id", "pk"))
    found = task_reports.inheriting_tasks
    assert found([key["c"]]) == {key["c"], key["b"], key["a"]}
    assert found([key["c"]], depth=1) == {key["c"], key["b"]}
    assert found([key["c"]], most=2) == {key["c"], key["b"]}
    assert found([key["c"], key["d"]], most=2) == {key["c"], key["d"]}


def test_many_tasks_are_stored_as_few_are():
    submit(ai("old"))
    count = STAGED_FROM + 1
    tasks = [ai(f"t{n}", f"t{n - 1}" if n % 3 else "old", kind=f"k{n % 2}") for n in range(count)]
    rows = submit(*reversed(tasks), ai("odd\"'%s"), now=later(1))
    stored = Task.objects.in_bulk(field_name="task_id")
    assert [row.task_id for row in rows[:2]] == [f"t{count - 1}", f"t{count - 2}"]
    for row in rows:
        for field in Task._meta.concrete_fields:
            made, kept = getattr(row, field.attname), getattr(stored[row.task_id], field.attname)
            assert made == kept, (row.task_id, field.name)
    links = set(Dependency.objects.values_list("task__task_id", "needs__task_id"))
    assert links == {(each.task_id, need) for each in tasks for need in each.dependencies}


@contextmanager
def before_the_lock(change: Callable[[], Any], times: int = 1) -> Iterator[list[str]]:
    """Call `change` each time that a submission has checked its tasks, and begins to store them."""
    taken: list[str] = []
    is_changing = False
    ensure_pools()

    def watch(execute: Any, sql: str, *more: Any) -> Any:
        nonlocal is_changing
        if sql.startswith("SAVEPOINT") and not is_changing:
            taken.append(sql)
            is_changing = True
            if len(taken) <= times:
                change()
            is_changing = False
        return execute(sql, *more)

    with connection.execute_wrapper(watch):
        yield taken


def test_a_need_that_ends_between_the_check_and_the_lock_counts():
    submit(ai("a"))
    services.assign(NOON, worker="w")
    with before_the_lock(lambda: services.complete("a", now=later(1), worker="w")) as taken:
        [row] = submit(ai("b", "a"), now=later(2))
    assert (row.status, statuses()["b"], len(taken)) == ("queued", "queued", 2)


def test_a_need_that_changes_again_and_again_is_read_under_the_lock():
    submit(ai("a"))

    def turn():
        services.cancel("a", now=NOON) if statuses()["a"] == "queued" else services.retry(
            "a", now=NOON
        )

    with before_the_lock(turn, 4) as taken:
        [row] = submit(ai("b", "a"), now=later(2))
    assert (row.status, statuses(), len(taken)) == ("pending", {"a": "queued", "b": "pending"}, 4)


def test_an_id_that_another_call_stores_meanwhile_is_stored_once():
    with before_the_lock(lambda: submit(ai("a")), 1):
        rows = submit(ai("b", "a"), ai("a"), now=later(2))
    assert [row.task_id for row in rows] == ["b", "a"]
    assert list(Task.objects.values_list("task_id", "created_at").order_by("pk")) == [
        ("a", NOON),
        ("b", later(2)),
    ]


def test_a_task_of_an_earlier_call_that_is_deleted_meanwhile_is_stored_again():
    submit(ai("a"))
    with before_the_lock(lambda: Task.objects.filter(task_id="a").delete()):
        rows = submit(ai("a"), ai("b"), now=later(2))
    assert {row.created_at for row in rows} == {later(2)}


def test_a_need_that_is_deleted_meanwhile_is_named():
    submit(ai("a"))
    with (
        before_the_lock(lambda: Task.objects.filter(task_id="a").delete()),
        pytest.raises(UnknownDependency),
    ):
        submit(ai("b", "a"))
    assert statuses() == {}


def line():
    return Task.objects.filter(status="queued").order_by("queue_key", "pk")


@pytest.mark.django_db(transaction=True)
def test_the_same_submission_many_times_at_once_is_stored_once(at_once):
    results = at_once(lambda: submit(ai("a"), ai("b", "a")), 6)
    assert {tuple(row.task_id for row in rows) for rows in results} == {("a", "b")}
    assert Task.objects.count() == 2
    assert Dependency.objects.count() == 1
    assert Worker.objects.count() == 4
