"""What the tables themselves refuse, whoever writes."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from operations.scheduling.models import Dependency, Task
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, TaskPriority

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": 0},
        {"priority": 5},
        {"estimated_duration": -1},
        {"estimated_duration": 30 * 86_400 + 1},
        {"status": "running"},
        {"queue_key": None},
        {"ready_at": None},
    ],
)
def test_a_row_that_cannot_be_is_refused(wrong):
    submission.submit([AITask("a", "t", TaskPriority.LOW, 60)], NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.update(**wrong)


def test_a_dependency_stands_once_and_never_on_itself():
    low = TaskPriority.LOW
    first, second = submission.submit(
        [AITask("a", "t", low, 60), AITask("b", "t", low, 60, ["a"])], NOON
    )
    for task, needs in ((second, first), (first, first)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Dependency.objects.create(task=task, needs=needs)
