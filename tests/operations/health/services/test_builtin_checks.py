from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import redis as clients
from django.core.cache import caches
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from operations.health import tasks
from operations.health.models import Heartbeat
from operations.health.registry import Degraded, Off, Unhealthy, Unknown
from operations.health.services import builtin_checks

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_the_database_takes_a_write_and_keeps_nothing_of_it():
    builtin_checks.database()
    assert not Heartbeat.objects.exists()


def test_the_broker_answers():
    builtin_checks.broker()


def test_a_broker_that_does_not_answer_is_unhealthy_and_no_secret_is_shown(settings):
    settings.REDIS_URL = "redis://:hunter22@127.0.0.1:1/0"
    with pytest.raises(Unhealthy, match="does not answer") as caught:
        builtin_checks.broker()
    assert "hunter22" not in str(caught.value)


def test_full_queues_degrade_the_broker(valkey, settings):
    valkey.rpush(f"{settings.CACHE_PREFIX}:default", "a", "b", "c")
    with pytest.raises(Degraded, match="3 tasks wait"):
        builtin_checks.broker(3)


def test_without_a_broker_setting_none_is_needed(settings):
    settings.REDIS_URL = ""
    builtin_checks.broker()


def test_a_working_cache_passes():
    builtin_checks.cache()


def test_a_cache_that_loses_values_is_unhealthy(settings):
    settings.CACHES = {"broker": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    with pytest.raises(Unhealthy, match="did not return"):
        builtin_checks.cache()
    assert caches["broker"].get("anything") is None


def test_a_cache_that_is_not_there_fails(settings):
    settings.CACHES = {
        "broker": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    with pytest.raises(clients.RedisError):
        builtin_checks.cache()


LONG_AGO = NOON - timedelta(days=1_000)


def test_just_after_the_start_an_old_heartbeat_means_unknown():
    old, within = NOON - timedelta(days=2), timedelta(minutes=5)
    served = partial(builtin_checks.check_recent, "schedule was served", old, within)
    with pytest.raises(Unknown):
        served(NOON + within, NOON)
    with pytest.raises(Unhealthy, match="No schedule was served for 2 d"):
        served(NOON + timedelta(seconds=301), NOON)


def test_a_time_that_has_not_come_means_unknown():
    within = timedelta(minutes=5)
    check = builtin_checks.check_recent
    check("schedule was served", NOON + within, within, NOON, LONG_AGO)
    with pytest.raises(Unknown, match="the clock was ahead"):
        check("schedule was served", NOON + 2 * within, within, NOON, LONG_AGO)


@pytest.mark.django_db
def test_a_worker_lives_while_its_tasks_run():
    with pytest.raises(Unknown):
        builtin_checks.worker(LONG_AGO)
    tasks.record_worker_heartbeat()
    tasks.record_worker_heartbeat()
    builtin_checks.worker(LONG_AGO)
    Heartbeat.objects.update(seen_at=timezone.now() - timedelta(seconds=95))
    with pytest.raises(Unhealthy, match=r"No worker has run a task for 1 min 3\d s"):
        builtin_checks.worker(LONG_AGO)


@pytest.mark.django_db
@pytest.mark.usefixtures("schedules")
def test_beat_lives_while_it_sends():
    PeriodicTask.objects.update(last_run_at=None)
    with pytest.raises(Unknown):
        builtin_checks.beat()
    tasks.record_worker_heartbeat()
    builtin_checks.beat()
    Heartbeat.objects.all().delete()
    task = PeriodicTask.objects.get(name="operations.record_worker_heartbeat")
    PeriodicTask.objects.filter(pk=task.pk).update(last_run_at=timezone.now())
    builtin_checks.beat()
    PeriodicTask.objects.filter(pk=task.pk).update(
        last_run_at=timezone.now() - timedelta(minutes=6)
    )
    with pytest.raises(Unhealthy, match="No schedule was served"):
        builtin_checks.beat(LONG_AGO)


@pytest.mark.parametrize(
    ("free", "total", "error"),
    [
        (50e9, 100e9, None),
        (10e9, 100e9, None),
        (9e9, 100e9, Degraded),
        (4e9, 100e9, Unhealthy),
        (0.9e9, 2e9, Unhealthy),
    ],
)
def test_room_on_the_disk(free, total, error):
    if error is None:
        builtin_checks.check_free_space(int(free), int(total))
        return
    with pytest.raises(error, match="GB are free"):
        builtin_checks.check_free_space(int(free), int(total))


def test_the_disk_of_the_data_folder_is_measured(tmp_path):
    measured = []
    builtin_checks.disk(tmp_path, lambda free, total: measured.append((free, total)))
    builtin_checks.disk(judge=lambda free, total: measured.append((free, total)))
    assert all(0 <= free <= total for free, total in measured)


def test_the_mail_server_is_only_connected_to(settings):
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    builtin_checks.mail()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises(OSError, match="refused"):
        builtin_checks.mail()


def test_mail_is_off_and_not_healthy_while_nothing_can_be_sent(settings):
    settings.EMAIL_URL = ""
    with pytest.raises(Off, match="No mail goes out"):
        builtin_checks.mail()


@pytest.mark.django_db(transaction=True)
def test_every_builtin_check_runs_and_closes_its_connection():
    for check in builtin_checks.BUILTIN_CHECKS:
        if check.name != "disk":  # of which a test knows nothing
            assert check.observe(1.0).status in {"healthy", "unknown", "off"}, check.name
