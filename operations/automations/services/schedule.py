"""Save an automation with its beat schedule; take one out of mode auto."""

from datetime import datetime

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from aethercrown.severity import HIGH
from operations.alerts import services as alerts
from operations.automations import crontab_text, schedule_text, seeding
from operations.automations.models import Automation
from operations.automations.occurrences import FixedInterval, Schedule
from operations.automations.registry import automation_registry

ALERT_SOURCE, AUTO_DISABLED = "automations", "auto_disabled"


@transaction.atomic
def save_schedule(automation: Automation, schedule: Schedule, now: datetime) -> Automation:
    """Save an automation together with its rows in beat's tables; beat sees them in seconds.

    If the times change or it is switched on again, due times count from now.
    """
    stored = Automation.objects.select_for_update().filter(pk=automation.pk).first()
    task = stored.task if stored else PeriodicTask(name=automation.name, task=seeding.RUN_TASK)
    switched_on = stored is not None and automation.is_enabled and not stored.is_enabled
    before = (stored.zone, stored.schedule) if stored else None
    automation.when = schedule_text.describe(schedule)
    if switched_on or before != (automation.zone, schedule):
        automation.scheduled_at = now
        task.last_run_at = now
    if automation.mode == Automation.Mode.AUTO and (stored is None or stored.mode != "auto"):
        automation.auto_enabled_at = now
        alerts.resolve(ALERT_SOURCE, AUTO_DISABLED, automation.name, now=now)
    task.interval, task.crontab = _beat_schedule(schedule, automation.zone)
    task.kwargs = seeding.run_task_kwargs(automation.name)
    task.queue = automation_registry.get(automation.name).queue
    task.expire_seconds = seeding.MESSAGE_EXPIRY_SECONDS
    task.enabled = automation.is_enabled
    task.save()
    automation.task = task
    automation.save()
    return automation


@transaction.atomic
def disable_auto(name: str, reason: str, now: datetime) -> bool:
    """Take an automation from auto back to propose; False if it is not in auto."""
    in_auto = Automation.objects.filter(name=name, mode=Automation.Mode.AUTO)
    if (automation := in_auto.select_for_update().first()) is None:
        return False
    automation.mode = Automation.Mode.PROPOSE
    automation.auto_disabled_at, automation.auto_disabled_reason = now, reason[:300]
    automation.save()
    message = f"{name} proposes again, and applies nothing by itself: {reason}"
    alerts.raise_alert(ALERT_SOURCE, AUTO_DISABLED, name, HIGH, message, now=now)
    return True


def _beat_schedule(
    schedule: Schedule, zone: str
) -> tuple[IntervalSchedule | None, CrontabSchedule | None]:
    """The row in beat's tables for this schedule; such rows are shared and never changed."""
    if isinstance(schedule, FixedInterval):
        count, period = schedule_text.units(schedule.every)
        rows = IntervalSchedule.objects.filter(every=count, period=period)
        return rows.first() or IntervalSchedule.objects.create(every=count, period=period), None
    fields = {**crontab_text.write(schedule), "timezone": zone}
    crontabs = CrontabSchedule.objects.filter(**fields)
    return None, crontabs.first() or CrontabSchedule.objects.create(**fields)
