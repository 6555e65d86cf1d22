import pytest
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from aethercrown.registry import UnknownName
from operations.automations import schedule_text, services
from operations.automations.models import Automation
from operations.automations.registry import AutomationSpec, automation_registry
from tests.operations.automations.services.conftest import HOUR, ONE, at, failing
from tests.operations.conftest import NOON


def test_an_edited_schedule_counts_from_the_edit(automation, contexts):
    ads = automation()
    late = NOON + 5.5 * HOUR
    services.save_schedule(ads, schedule_text.parse("every 2 hours", ads.scheduled_at), late)
    assert services.run_due("ads", clock=at(late + HOUR)) == []
    services.run_due("ads", clock=at(late + 2 * HOUR))
    assert [each.planned_for for each in contexts] == [late + 2 * HOUR]


def test_a_schedule_is_saved_where_beat_reads_it(automation):
    ads = automation()
    seen = PeriodicTasks.last_change()
    services.save_schedule(ads, schedule_text.parse("at 03:30 on weekdays", NOON), ONE)
    task = PeriodicTask.objects.get(name="ads")
    assert task.interval is None
    assert (task.crontab.minute, task.crontab.hour) == ("30", "3")
    assert task.crontab.day_of_week == "1,2,3,4,5"
    assert (task.task, task.kwargs) == ("operations.run_automation", '{"automation": "ads"}')
    assert PeriodicTasks.last_change() > seen
    assert Automation.objects.get().scheduled_at == ONE


def test_a_new_automation_gets_its_own_beat_task(automation):
    automation()
    automation_registry.register(AutomationSpec("churn", "Churn", failing, queue="models"))
    made = Automation(name="churn", title="Churn", zone="Europe/Berlin", is_enabled=False)
    services.save_schedule(made, schedule_text.parse("at 03:00", NOON), NOON)
    made.refresh_from_db()
    assert (made.task.queue, made.task.enabled) == ("models", False)
    assert str(made.task.crontab.timezone) == "Europe/Berlin"
    assert made.task.last_run_at is None


def test_saving_the_same_schedule_keeps_its_count(automation):
    ads = automation()
    ads.mode = "auto"
    services.save_schedule(ads, ads.schedule, ONE)
    ads.refresh_from_db()
    assert (ads.mode, ads.scheduled_at) == ("auto", NOON)


def test_switching_on_again_or_moving_the_zone_counts_from_now(automation):
    ads = automation(at="03:00")
    ads.is_enabled = False
    services.save_schedule(ads, ads.schedule, ONE)
    assert ads.scheduled_at == NOON
    ads.is_enabled = True
    services.save_schedule(ads, ads.schedule, ONE)
    assert ads.scheduled_at == ONE
    ads.zone = "Europe/Berlin"
    services.save_schedule(ads, ads.schedule, ONE + HOUR)
    assert ads.scheduled_at == ONE + HOUR
    ads.task.crontab.refresh_from_db()
    assert str(ads.task.crontab.timezone) == "Europe/Berlin"


def test_equal_schedules_share_a_row_that_is_never_changed(automation):
    first = automation()
    second = automation("churn")
    assert first.task.interval_id == second.task.interval_id
    services.save_schedule(first, schedule_text.parse("every 2 hours", NOON), ONE)
    second.task.interval.refresh_from_db()
    assert second.task.interval.every == 1


def test_an_unknown_automation_is_not_found(automation):
    with pytest.raises(Automation.DoesNotExist):
        services.run_due("nobody")
    automation()
    with pytest.raises(UnknownName):
        services.save_schedule(
            Automation(name="nobody"), schedule_text.parse("at 03:00", NOON), NOON
        )


def test_the_history_has_each_schedule_in_its_own_words(automation):
    ads = automation()
    for words in ("at 03:00", "at 06:00 on the last day"):
        services.save_schedule(ads, schedule_text.parse(words, NOON), ONE)
    said = list(ads.history.order_by("pk").values_list("when", flat=True))
    assert said == ["every hour", "at 03:00", "at 06:00 on the last day"]


def test_words_that_a_crontab_cannot_say_are_kept_beside_it(automation, contexts):
    ads = automation()
    monthly = schedule_text.parse("at 06:00 and 07:30 on the last day", NOON)
    services.save_schedule(ads, monthly, NOON)
    again = Automation.objects.get()
    assert again.schedule == monthly
    assert again.task.crontab.day_of_month == "28,29,30,31"
    for day in (28, 29, 30):
        services.run_due("ads", clock=at(NOON.replace(day=day, hour=6)))
    services.run_due("ads", clock=at(NOON.replace(day=30, hour=7)))
    services.run_due("ads", clock=at(NOON.replace(day=30, hour=7, minute=30)))
    ran = [(each.planned_for.day, each.planned_for.hour) for each in contexts]
    assert ran == [(30, 6), (30, 7)]
