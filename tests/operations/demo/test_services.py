"""Operations' part of the demo company: something on every page, and nothing left behind."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

from aethercrown import demo
from aethercrown.demo import Seeding
from aethercrown.models import DemoRow
from operations.alerts import services as alerts
from operations.alerts.models import Alert
from operations.demo import company, services
from operations.health.models import Component
from operations.health.reports import history as uptime
from operations.health.services import history as uptime_services
from operations.messaging.models import Message
from operations.scheduling import services as tasks
from operations.scheduling.models import Pool, Schedule, Task, Worker
from operations.scheduling.reports import planning
from operations.scheduling.services import replan as planning_services
from operations.scheduling.services import submit as submission
from operations.scheduling.task_spec import AITask, TaskPriority

TODAY = date(2026, 1, 16)
NOW = datetime(2026, 1, 16, 3, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def seeding(today=TODAY):
    return Seeding(today, np.random.default_rng(demo.SEED))


def counts():
    """Rows of every table but the histories: that a row was removed stays on record."""
    every = apps.get_app_config("operations").get_models()
    models = [model for model in every if not model.__name__.startswith("Historical")]
    return {model.__name__: model._default_manager.count() for model in models}


@pytest.fixture
def loaded():
    services.seed(seeding())


def test_agents_are_in_the_middle_of_their_work(loaded):
    states = set(Task.objects.values_list("status", flat=True))
    assert states == {"pending", "queued", "running", "completed", "failed"}
    drawn = planning.gantt_tasks()
    assert {bar.worker for bar in drawn} == set(company.AGENTS)
    assert all(bar.start >= NOW for bar in drawn if bar.status != "running")
    assert not Worker.objects.exclude(last_seen_at=None).exists()


def test_the_components_have_two_weeks_and_are_never_checked(loaded):
    found = {each.component.name: each.totals for each in uptime.trends(timedelta(days=30), NOW)}
    shop, payments = (found[each.name] for each in company.COMPONENTS)
    assert shop.availability_percent == 100
    assert payments.availability_percent == pytest.approx(100 * (1 - 60 / (14 * 24 * 60)))
    assert shop.percentile(0.5) == pytest.approx(120, rel=0.1)
    assert len(uptime.incidents(NOW - timedelta(days=30))) == 2
    uptime_services.roll_up_and_purge(NOW + timedelta(hours=30))
    assert {each.status for each in Component.objects.all()} == {"not_looked_at"}


def test_there_are_alerts_in_each_state_and_no_message_of_them(loaded, listener):
    states = set(Alert.objects.values_list("state", flat=True))
    assert states == {"open", "acknowledged", "resolved"}
    alerts.send_reminders(NOW + timedelta(days=3))
    assert not Message.objects.exists()


def test_an_outage_has_one_date_as_an_alert_and_as_an_incident(loaded):
    alerts_of = Alert.objects.filter(kind="down").order_by("first_seen_at")
    found = [(each.subject, each.first_seen_at, each.resolved_at) for each in alerts_of]
    incidents = reversed(uptime.incidents(NOW - timedelta(days=30)))
    assert found == [(str(each.component), each.started_at, each.ended_at) for each in incidents]


def test_clearing_leaves_no_row_behind():
    before = counts()
    services.seed(seeding())
    assert counts() != before
    assert demo.clear().kept == []
    assert counts() == before


def test_a_pool_that_was_there_stays_and_so_does_one_that_is_needed():
    own = Pool.objects.create(name="default")
    planning_services.replan(NOW)
    services.seed(seeding())
    Worker.objects.create(name="ours", pool=Pool.objects.get(name="image"))
    [sentence] = demo.clear().kept
    assert "image: 1 rows refer to it" in sentence
    assert set(Pool.objects.values_list("name", flat=True)) == {own.name, "image"}
    assert Schedule.objects.exists()


def test_after_a_partial_clearing_what_is_missing_is_restored(capsys):
    services.seed(seeding())
    before, names = counts(), set(Task.objects.values_list("pk", "task_id"))
    ours = Worker.objects.create(name="ours", pool=Pool.objects.get(name="image"))
    Component.objects.update(target="https://x.example.com/?token=abc")
    demo.clear()
    assert Task.objects.count() == 0
    assert not DemoRow.objects.filter(deleted__contains="abc").exists()
    call_command("seed_demo")
    assert "were restored, which an earlier clear_demo had deleted" in capsys.readouterr().out
    ours.delete()
    assert (counts(), set(Task.objects.values_list("pk", "task_id"))) == (before, names)
    call_command("seed_demo")
    assert "loaded already" in capsys.readouterr().out
    assert demo.clear().kept == []
    assert not demo.is_there()


def test_a_row_of_the_owners_in_the_place_of_a_cleared_one_is_left_alone(capsys):
    services.seed(seeding())
    Worker.objects.create(name="ours", pool=Pool.objects.get(name="image"))
    name = Worker.objects.exclude(name="ours").values_list("name", flat=True)[0]
    demo.clear()
    own = Worker.objects.create(name=name, pool=Pool.objects.get(name="image"))
    call_command("seed_demo")
    assert "A row of your own is in the place of the demo company's" in capsys.readouterr().out
    assert set(Worker.objects.values_list("name", flat=True)) == {"ours", own.name}


def test_a_task_of_the_owners_waits_no_more_for_what_is_cleared(loaded):
    waits, runs = TaskPriority(1), "demo-spring-research"
    submission.submit([AITask("first", "train", waits, 60.0)], NOW)
    submission.submit([AITask("ours", "train", waits, 60.0, (runs,))], NOW)
    submission.submit([AITask("both", "train", waits, 60.0, (runs, "first"))], NOW)
    submission.submit([AITask("later", "train", waits, 60.0, ("ours",))], NOW)
    told = demo.clear().released
    assert told == [
        f"Task {name} waits no more for {runs}, which was the demo company's"
        for name in ("ours", "both")
    ]
    states = dict(Task.objects.values_list("task_id", "status"))
    assert states == {"first": "queued", "ours": "queued", "both": "pending", "later": "pending"}
    tasks.assign(NOW, worker="agent", count=2)
    for name in ("first", "ours"):
        tasks.complete(name, now=NOW)
    assert set(Task.objects.filter(status="queued").values_list("task_id", flat=True)) == {
        "both",
        "later",
    }


def test_an_installation_with_tasks_of_its_own_is_left_alone(capsys):
    submission.submit([AITask("ours", "train", TaskPriority(1), 60.0)], NOW)
    call_command("seed_demo")
    assert "AI tasks of its own" in capsys.readouterr().out
    assert not demo.is_there()


def test_on_its_own_day_the_company_is_at_work_at_this_moment():
    now = timezone.now()
    assert abs(services.moment(seeding(now.date())) - now) < timedelta(minutes=1)
    assert services.moment(seeding()) == NOW
