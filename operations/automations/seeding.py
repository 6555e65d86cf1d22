"""Schedules that migrations put into the database.

Seeding again changes nothing that staff have set. The migration that calls this depends on
operations 0001_initial and django_celery_beat 0019_alter_periodictasks_options.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.automations import crontab_text
from operations.automations.occurrences import FixedInterval
from operations.automations.schedule_text import describe, units

RUN_TASK = "operations.run_automation"
MESSAGE_EXPIRY_SECONDS = 300  # the recovery task enqueues what an expired message announced


def seed(
    apps: Any,
    *,
    name: str,
    title: str,
    zone: str = "UTC",
    mode: str = "propose",
    missed: str = "once",
    **schedule: Any,
) -> None:
    """Create an automation and its schedule, which has the arguments of `seed_task`."""
    rows = apps.get_model("operations", "Automation").objects
    if rows.filter(name=name).exists():
        return
    task = seed_task(
        apps, name=name, task=RUN_TASK, zone=zone, kwargs=run_task_kwargs(name), **schedule
    )
    is_old = "when" not in {each.name for each in rows.model._meta.get_fields()}  # noqa: SLF001 - a documented name of Django's
    words = {} if is_old else {"when": stored_words(task)}
    rows.create(name=name, title=title, task=task, zone=zone, mode=mode, missed=missed, **words)


def stored_words(task: Any) -> str:
    """The schedule of a row of beat's, in words."""
    if task.interval is not None:
        every = timedelta(**{task.interval.period: task.interval.every})
        return describe(FixedInterval(every, datetime.now(UTC)))
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    return describe(crontab_text.read(" ".join(getattr(task.crontab, each) for each in names)))


def run_task_kwargs(name: str) -> str:
    """The arguments of the task that runs an automation, as beat stores them."""
    return json.dumps({"automation": name})


def seed_task(
    apps: Any,
    *,
    name: str,
    task: str,
    at: str | None = None,
    every: timedelta | None = None,
    zone: str = "UTC",
    queue: str = "default",
    kwargs: str = "{}",
) -> Any:
    """Schedule a Celery task `at` a time of day ("03:00") or `every`; an existing row stays."""
    beat = {model: apps.get_model("django_celery_beat", model).objects for model in MODELS}
    schedule = _schedule(beat, at, every, zone)
    row, _ = beat["PeriodicTask"].get_or_create(
        name=name,
        defaults={
            **schedule,
            "task": task,
            "kwargs": kwargs,
            "queue": queue,
            "expire_seconds": MESSAGE_EXPIRY_SECONDS,
        },
    )
    beat["PeriodicTasks"].update_or_create(ident=1, defaults={"last_update": datetime.now(UTC)})
    return row


MODELS = ("PeriodicTask", "PeriodicTasks", "CrontabSchedule", "IntervalSchedule")


def _schedule(
    beat: dict[str, Any], at: str | None, every: timedelta | None, zone: str
) -> dict[str, Any]:
    if every is not None:
        count, period = units(every)
        interval, _ = beat["IntervalSchedule"].get_or_create(every=count, period=period)
        return {"interval": interval}
    if at is None:
        raise ValueError("A schedule needs `at` or `every`.")
    hour, minute = (str(int(part)) for part in at.split(":"))
    crontab, _ = beat["CrontabSchedule"].get_or_create(
        minute=minute,
        hour=hour,
        day_of_week="*",
        day_of_month="*",
        month_of_year="*",
        timezone=zone,
    )
    return {"crontab": crontab}
