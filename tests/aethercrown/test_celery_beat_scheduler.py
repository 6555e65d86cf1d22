"""Beat goes on when a clock that was ahead is set back."""

from datetime import UTC, datetime, timedelta

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from aethercrown.celery import app
from aethercrown.celery_beat_scheduler import SteadyScheduler

HOURS = timedelta(hours=2)


@pytest.fixture
def scheduler(transactional_db):
    """Beat's scheduler with one entry each ten seconds; `sent` lists what it sent."""
    PeriodicTask.objects.update(enabled=False)
    every = IntervalSchedule.objects.create(every=10, period="seconds")
    PeriodicTask.objects.create(name="sweep", task="sweep", interval=every)
    made = SteadyScheduler(app)
    made._finalize.cancel()  # else it writes when the process ends
    made.sent = []
    made.apply_entry = lambda entry, producer=None: made.sent.append(entry.name)
    made.offset = 7200.0
    real = made.wall
    made.wall = lambda: real() + made.offset
    return made


def test_an_entry_sent_in_the_future_is_due_after_one_interval_from_now(scheduler):
    entry = scheduler.schedule["sweep"]
    entry.last_run_at = datetime.now(UTC) + HOURS
    found = entry.is_due()
    assert not found.is_due
    assert 9 < found.next <= 10


def test_a_clock_that_is_set_back_plans_anew(scheduler):
    PeriodicTask.objects.update(last_run_at=datetime.now(UTC) - timedelta(minutes=1))
    scheduler.tick()
    scheduler._heap = [event._replace(time=event.time + 7200) for event in scheduler._heap]
    PeriodicTasks.objects.update(last_update=datetime.now(UTC) + HOURS)
    scheduler.tick()
    assert scheduler.sent == ["sweep"]
    scheduler.offset = 0.0
    scheduler.tick()
    assert min(event.time for event in scheduler._heap) < datetime.now(UTC).timestamp() + 11
    assert PeriodicTasks.last_change() <= datetime.now(UTC)
