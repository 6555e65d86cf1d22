"""One function a part: it returns where the part works, and says why where it does not."""

import secrets
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path

import redis
from django.conf import settings
from django.core.cache import caches
from django.core.mail import get_connection
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from operations.health.models import Heartbeat
from operations.health.registry import Faulty, Part, Strained, Unsure

WORKER = "worker"
SECONDS = 2.0  # that a connection may take
LONGEST_QUEUE = 10_000
QUEUES = ("default", "ingest", "models")
ALIVE = timedelta(seconds=90)  # since a worker's last sign: three are due in it
BEATING = timedelta(minutes=5)  # since beat's: it writes its rows every three minutes
LOW_SHARE, LEAST_SHARE, LEAST_BYTES = 0.10, 0.05, 10**9
Work = Callable[[], None]
BORN = timezone.now()  # this process, or the one it was forked from


def lent(work: Work) -> Work:
    """Give the thread's database connection back after `work`."""

    @wraps(work)
    def working() -> None:
        try:
            work()
        finally:
            connection.close()

    return working


def database() -> None:
    """A query, and a write that is taken back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        Heartbeat.objects.create(name=f"probe {secrets.token_hex(8)}", at=timezone.now())
        transaction.set_rollback(True)


def broker() -> None:
    """An answer, and queues that are not full."""
    if not settings.REDIS_URL:
        return  # tasks run in the memory of this process
    limits = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS}
    with redis.Redis.from_url(settings.REDIS_URL, **limits) as line:
        try:
            line.ping()
            waiting = sum(int(line.llen(f"{settings.CACHE_PREFIX}:{each}")) for each in QUEUES)
        except redis.RedisError as error:
            raise Faulty("The broker does not answer.") from error
    if waiting >= LONGEST_QUEUE:
        raise Strained(f"{waiting} tasks wait in the queues, {LONGEST_QUEUE} or more.")


def cache() -> None:
    """Set, get and delete a random key."""
    key, value = f"health-{secrets.token_hex(8)}", secrets.token_hex(8)
    cached = caches["broker"]
    cached.set(key, value, timeout=60)
    if cached.get(key) != value:
        raise Faulty("The cache did not give back what was set.")
    cached.delete(key)


def note_worker(now: datetime) -> None:
    """A worker's sign of life, given by a task that beat sends every 30 seconds."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"at": now})


def worker() -> None:
    """Whether tasks that beat sent have run lately."""
    last = Heartbeat.objects.filter(name=WORKER).values_list("at", flat=True).first()
    fresh("worker has run a task", last, ALIVE, timezone.now())


def beat() -> None:
    """Whether beat has sent anything lately: by its own rows, or by a task of its that ran."""
    written = PeriodicTask.objects.aggregate(last=Max("last_run_at"))["last"]
    carried = Heartbeat.objects.filter(name=WORKER).values_list("at", flat=True).first()
    last = max((each for each in (written, carried) if each), default=None)
    fresh("schedule was served", last, BEATING, timezone.now())


def fresh(what: str, last: datetime | None, within: timedelta, now: datetime) -> None:
    """A sign of life that is young enough; old ones count for nothing just after our own start."""
    if last is not None and now - last <= within:
        return
    if last is None or now - BORN <= within:
        raise Unsure(f"No {what} yet.")
    raise Faulty(f"No {what} for {(now - last).total_seconds():.0f} seconds.")


def disk(folder: Path | None = None) -> None:
    """Room on the disk of the data folder."""
    found = shutil.disk_usage(folder or settings.DATA_DIR)
    room(found.free, found.total)


def room(free: int, total: int) -> None:
    words = f"{free / 1e9:.1f} GB of {total / 1e9:.1f} GB are free on the data folder's disk."
    if free < LEAST_BYTES or free < LEAST_SHARE * total:
        raise Faulty(words)
    if free < LOW_SHARE * total:
        raise Strained(words)


def mail() -> None:
    """A connection to the mail server; no message is sent. Other backends need none."""
    line = get_connection(fail_silently=False, timeout=SECONDS)
    line.open()
    line.close()


PARTS = (
    Part("database", "Database", lent(database), is_vital=True),
    Part("broker", "Broker", broker, is_vital=True),
    Part("cache", "Cache", cache, parent="broker"),
    Part("worker", "Worker", lent(worker), parent="broker"),
    Part("beat", "Schedules", lent(beat), parent="broker"),
    Part("disk", "Disk", disk),
    Part("mail", "Mail", mail, is_required=False),
)
