"""Tasks, workers and pools on staff's screens."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from operations.scheduling import services
from operations.scheduling.models import Pool, Task, TaskDurationStats, Worker
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, TaskPriority
from tests.operations.people import messages_of, staff

TASKS = "/admin/operations/task/"
WORKERS = "/admin/operations/worker/"
POOLS = "/admin/operations/pool/"
DURATIONS = "/admin/operations/taskdurationstats/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    """a runs at w; b waits for it; c is ready."""
    now = timezone.now()
    tasks = [
        AITask("a", "train", TaskPriority.CRITICAL, 60),
        AITask("c", "train", TaskPriority(1), 60),
    ]
    submission.submit([*tasks, AITask("b", "train", TaskPriority(2), 60, ["a"])], now)
    services.assign(now, worker="w")


def act(client, action, *names):
    chosen = [Task.objects.get(task_id=name).pk for name in names]
    data = {"action": action, "_selected_action": chosen}
    return client.post(TASKS, data, follow=True)


def test_the_list_and_a_task_tell_how_it_stands(client, queue):
    eve = staff(client, "operations.view_task", "operations.view_dependency")
    text = eve.get(TASKS).content.decode()
    assert all(f">{name}<" in text for name in "abc")
    page = eve.get(f"{TASKS}{Task.objects.get(task_id='b').pk}/change/").content.decode()
    assert "blocked by a" in page
    assert "running" in page
    assert "b needs a" in page
    assert "1 min" in page
    assert "1 min" in text


def test_an_operator_cancels_and_requeues(client, queue):
    eve = staff(client, "operations.view_task", "security.operate")
    assert messages_of(act(eve, "cancel", "a")) == ["Cancelled: a."]
    assert Task.objects.get(task_id="b").error == "cancelled"
    assert Task.objects.get(task_id="a").error == "cancelled"
    assert messages_of(act(eve, "cancel", "a")) == ["task a is failed already"]
    waits_again = "task b is pending, neither running nor failed"
    assert messages_of(act(eve, "requeue", "a", "b")) == ["Requeued: a.", waits_again]
    assert LogEntry.objects.count() == 2


def test_a_viewer_may_do_nothing(client, queue):
    eve = staff(client, "operations.view_task")
    act(eve, "cancel", "c")
    assert Task.objects.get(task_id="c").status == "queued"
    assert eve.get(f"{TASKS}add/").status_code == 403
    page = f"{TASKS}{Task.objects.get(task_id='a').pk}/"
    assert eve.post(f"{page}change/", {}).status_code == 403
    assert eve.post(f"{page}delete/", {"post": "yes"}).status_code == 403


def test_a_stranger_is_sent_to_sign_in(client):
    for page in (TASKS, WORKERS, POOLS, DURATIONS):
        assert client.get(page).status_code == 302


def test_what_was_learned_is_shown(client):
    TaskDurationStats.objects.create(task_type="new", runs=2, mean=4.6, variance=0.1)
    TaskDurationStats.objects.create(task_type="old", runs=9, mean=4.6, variance=0.0)
    text = staff(client, "operations.view_taskdurationstats").get(DURATIONS).content.decode()
    assert "too few runs" in text
    assert "1 min 39 s" in text


def test_workers_say_whether_they_are_there(client, queue):
    now, pool = timezone.now(), Pool.objects.get(name="default")
    Worker.objects.create(name="off", pool=pool, is_active=False)
    silent = {"pool": pool, "last_seen_at": now - timedelta(minutes=5)}
    Worker.objects.create(name="old", **silent)
    Worker.objects.create(name="rare", **silent, silent_after=timedelta(minutes=10))
    text = staff(client, "operations.view_worker").get(WORKERS).content.decode()
    for words in ("present", "never called by name", "switched off", "silent for 5 min"):
        assert words in text
    assert text.count("silent for 5 min") == 1


def test_staff_make_pools_and_workers(client, queue):
    names = ("pool", "worker")
    steps = ("add", "view", "change", "delete")
    eve = staff(client, *(f"operations.{step}_{name}" for name in names for step in steps))
    eve.post(f"{POOLS}add/", {"name": "gpu"})
    gpu, default = Pool.objects.get(name="gpu"), Pool.objects.get(name="default")
    eve.post(f"{WORKERS}add/", {"name": "g", "pool": gpu.pk, "is_active": "on"})
    assert Worker.objects.get(name="g").pool == gpu
    assert ">1<" in eve.get(POOLS).content.decode()
    eve.post(f"{POOLS}{gpu.pk}/change/", {"name": "tpu"})
    assert Pool.objects.filter(name="gpu").exists()
    assert eve.post(f"{POOLS}{default.pk}/delete/", {"post": "yes"}).status_code == 403
