"""The built-in checks: each function returns if the part works, and raises otherwise."""

import secrets
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.core.cache import caches
from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from aethercrown.background import closing_connection
from aethercrown.formatting import duration_text, number_text
from operations.health.models import Heartbeat
from operations.health.registry import Degraded, HealthCheck, Off, Unhealthy, Unknown

WORKER = "worker"
CONNECT_SECONDS = 2.0
MAX_QUEUED_TASKS = 10_000
QUEUES = ("default",)
WORKER_MISSING_AFTER = timedelta(seconds=90)  # three heartbeats are due in it
BEAT_MISSING_AFTER = timedelta(minutes=5)  # beat writes its rows every three minutes
DEGRADED_FREE_SHARE, UNHEALTHY_FREE_SHARE, UNHEALTHY_FREE_BYTES = 0.10, 0.05, 10**9
PROCESS_STARTED_AT = timezone.now()  # of this process, or the one it was forked from


def database() -> None:
    """A query, and a write that is rolled back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        Heartbeat.objects.create(name=f"probe {secrets.token_hex(8)}", seen_at=timezone.now())
        transaction.set_rollback(True)


def broker(most: int = MAX_QUEUED_TASKS) -> None:
    """A ping, and queues with fewer tasks than `most`."""
    if not settings.REDIS_URL:
        return  # tasks run in the memory of this process
    limits = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS}
    with redis.Redis.from_url(settings.REDIS_URL, **limits) as client:
        try:
            client.ping()
            waiting = sum(int(client.llen(f"{settings.CACHE_PREFIX}:{each}")) for each in QUEUES)
        except redis.RedisError as error:
            raise Unhealthy("The broker does not answer.") from error
    if waiting >= most:
        raise Degraded(f"{waiting} tasks wait in the queues, {most} or more.")


def cache() -> None:
    """Set, read and delete a random key."""
    key, value = f"health-{secrets.token_hex(8)}", secrets.token_hex(8)
    cached = caches["broker"]
    cached.set(key, value, timeout=60)
    if cached.get(key) != value:
        raise Unhealthy("The cache did not return what was set.")
    cached.delete(key)


def record_worker_heartbeat(now: datetime) -> None:
    """Called by a task that beat sends every 30 seconds."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"seen_at": now})


def worker(started_at: datetime = PROCESS_STARTED_AT) -> None:
    """Whether a task that beat sent has run within WORKER_MISSING_AFTER."""
    last = Heartbeat.objects.filter(name=WORKER).values_list("seen_at", flat=True).first()
    check_recent("worker has run a task", last, WORKER_MISSING_AFTER, timezone.now(), started_at)


def beat(started_at: datetime = PROCESS_STARTED_AT) -> None:
    """Whether beat has written its rows, or a task it sent has run, within BEAT_MISSING_AFTER."""
    written = PeriodicTask.objects.aggregate(last=Max("last_run_at"))["last"]
    ran = Heartbeat.objects.filter(name=WORKER).values_list("seen_at", flat=True).first()
    last = max((each for each in (written, ran) if each), default=None)
    check_recent("schedule was served", last, BEAT_MISSING_AFTER, timezone.now(), started_at)


def check_recent(
    what: str, last: datetime | None, within: timedelta, now: datetime, started_at: datetime
) -> None:
    """Raise Unhealthy if `last` is too old, and Unknown within `within` of our own start."""
    if last is not None and abs(now - last) <= within:
        return
    if last is not None and last > now:
        raise Unknown(f"The {what} at a time that has not come: the clock was ahead.")
    if last is None or now - started_at <= within:
        raise Unknown(f"No {what} yet.")
    raise Unhealthy(f"No {what} for {duration_text(now - last)}.")


def check_free_space(free: int, total: int) -> None:
    """Raise Unhealthy or Degraded for too few free bytes."""
    words = (
        f"{number_text(free / 1e9, 1)} GB of {number_text(total / 1e9, 1)} GB are free on "
        f"the data folder's disk."
    )
    if free < UNHEALTHY_FREE_BYTES or free < UNHEALTHY_FREE_SHARE * total:
        raise Unhealthy(words)
    if free < DEGRADED_FREE_SHARE * total:
        raise Degraded(words)


def disk(folder: Path | None = None, judge: Callable[[int, int], None] = check_free_space) -> None:
    """Free space on the disk of the data folder."""
    found = shutil.disk_usage(folder or settings.DATA_DIR)
    judge(found.free, found.total)


def mail() -> None:
    """A connection to the mail server; no message is sent. Other backends need none."""
    if not settings.EMAIL_URL:
        raise Off("No mail goes out: EMAIL_URL is not set.")
    backend = get_connection(fail_silently=False, timeout=CONNECT_SECONDS)
    backend.open()
    backend.close()


BUILTIN_CHECKS = (
    HealthCheck("database", "Database", closing_connection(database), is_vital=True),
    HealthCheck("broker", "Broker", broker, is_vital=True),
    HealthCheck("cache", "Cache", cache, parent="broker"),
    HealthCheck("worker", "Worker", closing_connection(worker), parent="broker"),
    HealthCheck("beat", "Schedules", closing_connection(beat), parent="broker"),
    HealthCheck("disk", "Disk", disk),
    HealthCheck("mail", "Mail", mail, is_required=False),
)
