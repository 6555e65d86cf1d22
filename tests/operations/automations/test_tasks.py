from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from celery import current_app
from celery.signals import beat_init

from aethercrown.models import IdempotencyRecord
from operations.automations import tasks
from operations.automations.models import Run
from operations.decisions import tasks as decisions
from operations.decisions.models import Decision


@pytest.fixture
def automation(automation):
    """Scheduled two hours ago: tasks have no other clock than the real one."""
    return partial(automation, since=datetime.now(UTC) - timedelta(hours=2))


@pytest.fixture
def sent_tasks(monkeypatch):
    sent = []
    for task in (tasks.run_automation, tasks.recover_runs):
        monkeypatch.setattr(task, "apply_async", lambda task=task, **m: sent.append((task.name, m)))
    return sent


def test_beat_s_message_executes_what_is_due(automation, contexts):
    automation()
    current_app.tasks["operations.run_automation"](automation="ads")
    assert len(contexts) == 1
    assert Run.objects.filter(state="done").count() == 1


def test_recovery_sends_a_task_for_each_automation_with_waiting_runs(automation, sent_tasks):
    automation()
    tasks.recover_runs()
    assert sent_tasks == [
        (
            "operations.run_automation",
            {"kwargs": {"automation": "ads"}, "queue": "default", "expires": 30},
        )
    ]


def test_a_worker_that_starts_recovers_runs_at_once(sent_tasks):
    tasks.recover_at_worker_start()
    assert sent_tasks == [("operations.recover_runs", {"expires": 60})]


@pytest.mark.django_db(transaction=True)
def test_a_thread_beside_beat_requeues_what_a_dead_worker_left(automation, sent_tasks):
    now = datetime.now(UTC)
    Run.objects.create(
        automation=automation(),
        planned_for=now,
        not_before=now,
        state="running",
        attempt=1,
        lease_until=now - timedelta(seconds=1),
    )
    tasks.requeue_abandoned()
    assert [name for name, _ in sent_tasks] == ["operations.run_automation"]
    assert Run.objects.get().state == "queued"


def test_the_thread_starts_with_beat(sent_tasks):
    assert tasks.start_beside_beat in [receiver() for _, receiver in beat_init.receivers]


def test_the_tasks_keep_the_names_that_beat_stores():
    for name in ("run_automation", "recover_runs", "measure_decisions", "expire_decisions"):
        assert f"operations.{name}" in current_app.tasks


def test_decisions_are_measured_and_expired_by_task(db):
    Decision.objects.create(
        automation="ads",
        kind="forgotten",
        subject="hall",
        title="Old",
        before={},
        after={},
        expected={},
        proposed_at=datetime(2020, 1, 1, tzinfo=UTC),
    )
    decisions.measure_decisions()
    decisions.expire_decisions()
    assert Decision.objects.get().verdict == "expired"


def test_old_runs_and_idempotency_records_are_deleted_by_task(automation):
    ads = automation()
    long_ago = datetime.now(UTC) - timedelta(days=91)
    Run.objects.create(
        automation=ads, planned_for=long_ago, state="done", not_before=long_ago, ended_at=long_ago
    )
    IdempotencyRecord.objects.create(
        principal="a", key="b", created_at=long_ago, lease_until=long_ago, status=200
    )
    tasks.purge_runs()
    assert not Run.objects.exists()
    assert not IdempotencyRecord.objects.exists()
