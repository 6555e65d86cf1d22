from datetime import timedelta

import pytest
from django.apps import apps
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from operations.automations import seeding
from operations.automations.models import Automation


def seed(**changed):
    seeding.seed(apps, **{"name": "rates", "title": "Rates", "at": "03:05", **changed})
    return Automation.objects.get(name="rates")


def test_a_time_of_day_becomes_a_crontab_in_its_zone(db):
    made = seed(zone="Europe/Berlin", mode="auto", missed="all", queue="models")
    crontab = made.task.crontab
    assert (crontab.hour, crontab.minute, str(crontab.timezone)) == ("3", "5", "Europe/Berlin")
    assert (made.zone, made.mode, made.missed, made.task.queue) == (
        "Europe/Berlin",
        "auto",
        "all",
        "models",
    )
    assert made.task.task == "operations.run_automation"
    assert (made.when, seeding.stored_words(made.task)) == ("at 03:05", "at 03:05")


def test_an_interval_stands_in_its_largest_unit(db):
    made = seed(at=None, every=timedelta(hours=12))
    assert made.when == "every 12 hours"
    interval = made.task.interval
    assert (interval.every, interval.period) == (12, "hours")


def test_what_staff_have_set_stays(db):
    seed()
    Automation.objects.filter(name="rates").update(mode="auto", title="Our rates")
    again = seed(at="04:00", title="Other")
    assert (again.mode, again.title, again.task.crontab.hour) == ("auto", "Our rates", "3")


def test_beat_sees_the_change(db):
    PeriodicTasks.objects.all().delete()
    seed()
    assert PeriodicTasks.last_change() is not None


def test_a_schedule_without_a_time_is_refused(db):
    with pytest.raises(ValueError, match="needs `at` or `every`"):
        seed(at=None)
    assert not PeriodicTask.objects.filter(name="rates").exists()
