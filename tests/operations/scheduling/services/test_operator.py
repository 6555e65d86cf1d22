"""Staff cancel and requeue tasks."""

import pytest

from operations.scheduling import services
from operations.scheduling.backlog import NotRunning
from operations.scheduling.models import Task
from tests.operations.scheduling.stored import NOON, ai, later, statuses, submit

pytestmark = pytest.mark.django_db


def test_a_person_cancels_a_task_once_and_its_worker_is_refused_later():
    submit(ai("a"), ai("b", "a"))
    services.assign(NOON, worker="w")
    services.cancel("a", now=NOON)
    assert statuses() == {"a": "failed", "b": "failed"}
    assert Task.objects.get(task_id="a").error == "cancelled"
    with pytest.raises(NotRunning):
        services.complete("a", now=later(1), success=False, worker="w")
    with pytest.raises(NotRunning, match="failed already"):
        services.cancel("a", now=NOON)


def test_a_person_requeues_what_failed_in_the_order_of_the_work():
    submit(ai("a"), ai("b", "a"), ai("c"))
    services.cancel("a", now=NOON)
    with pytest.raises(NotRunning, match="needs a, which failed"):
        services.requeue("b", now=NOON)
    services.requeue("a", now=later(1))
    assert statuses() == {"a": "queued", "b": "pending", "c": "queued"}
    with pytest.raises(NotRunning, match="neither running nor failed"):
        services.requeue("a", now=later(1))
    services.assign(later(1), worker="w", count=2)
    services.complete("a", now=later(2))
    assert statuses()["b"] == "queued"
    services.requeue("c", now=later(3))
    assert Task.objects.get(task_id="c").worker is None


def test_a_retry_lets_all_that_failed_because_of_it_wait_again():
    submit(ai("a"), ai("x"), ai("b", "a"), ai("c", "b"), ai("d", "c", "x"), ai("e", "d"))
    services.assign(NOON, worker="w", count=2)
    services.complete("a", now=later(1), success=False, worker="w")
    assert statuses() == {**dict.fromkeys("abcde", "failed"), "x": "running"}
    submit(ai("late", "e"), now=later(2))
    services.retry("a", now=later(3))
    assert statuses() == {
        **dict.fromkeys("bcde", "pending"),
        "a": "queued",
        "x": "running",
        "late": "pending",
    }
    assert Task.objects.get(task_id="d").unmet_dependencies == 2
    assert not Task.objects.exclude(error="", failure="", completed_at=None).exists()
    services.complete("x", now=later(4), success=False, worker="w")
    services.assign(later(4), worker="w")
    services.complete("a", now=later(5), worker="w")
    assert statuses()["b"] == "queued"
    with pytest.raises(NotRunning, match="a is completed, not failed"):
        services.retry("a", now=later(6))


def test_what_has_another_failed_dependency_stays_failed():
    submit(ai("a"), ai("x"), ai("b", "a", "x"), ai("c", "b"))
    services.cancel("a", now=NOON)
    services.cancel("x", now=NOON)
    services.retry("a", now=later(1))
    assert statuses() == {"a": "queued", "x": "failed", "b": "failed", "c": "failed"}
    services.retry("x", now=later(2))
    assert set(statuses().values()) == {"queued", "pending"}


def test_what_a_cancelled_task_held_up_is_cancelled_too():
    submit(ai("a"), ai("b", "a"), ai("c", "b"))
    services.cancel("a", now=NOON)
    assert set(Task.objects.values_list("error", flat=True)) == {"cancelled"}


def test_a_retried_task_waits_for_what_has_not_ended():
    submit(ai("a"), ai("b", "a"))
    services.cancel("b", now=NOON)
    services.retry("b", now=later(1))
    assert statuses() == {"a": "queued", "b": "pending"}
    services.assign(later(2), worker="w")
    services.complete("a", now=later(3), worker="w")
    assert statuses()["b"] == "queued"
