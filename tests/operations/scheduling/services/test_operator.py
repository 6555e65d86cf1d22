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
    assert Task.objects.get(task_id="a").error == "cancelled by eve"
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
    services.requeue("b", now=later(1))
    assert statuses() == {"a": "queued", "b": "pending", "c": "queued"}
    with pytest.raises(NotRunning, match="neither running nor failed"):
        services.requeue("a", now=later(1))
    services.assign(later(1), worker="w", count=2)
    services.complete("a", now=later(2))
    assert statuses()["b"] == "queued"
    services.requeue("c", now=later(3))
    assert Task.objects.get(task_id="c").worker is None
