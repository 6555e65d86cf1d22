"""The schedules that exist from the first start."""

from datetime import timedelta

from django.conf import settings
from django.db import migrations

from operations.automations.seeding import seed, seed_task

HOUR = timedelta(hours=1)
TASKS = {
    "operations.recover_runs": {"every": timedelta(seconds=10)},
    "operations.measure_decisions": {"every": HOUR},
    "operations.expire_decisions": {"every": timedelta(days=1)},
    "operations.send_messages": {"every": timedelta(seconds=5)},
    "operations.send_alert_reminders": {"every": timedelta(minutes=10)},
    "operations.send_digest": {"at": "07:00"},
    "operations.purge_runs": {"at": "02:30"},
    "operations.purge_alerts": {"at": "02:40"},
    "operations.purge_messages": {"at": "02:50"},
    "operations.record_worker_heartbeat": {"every": timedelta(seconds=30)},
    "operations.roll_up_health": {"every": HOUR},
}


def seed_schedules(apps, schema_editor):
    for name, when in TASKS.items():
        seed_task(apps, name=name, task=name, **when)
    seed(
        apps,
        name="operations.check_health",
        title="Check the platform's health",
        every=timedelta(hours=settings.HEALTH_CHECK_INTERVAL_HOURS),
    )
    seed(
        apps,
        name="operations.assign_tasks",
        title="Task assignment",
        every=timedelta(minutes=1),
        mode="auto",
        missed="skip",
    )
    seed(apps, name="operations.back_up", title="Daily back-up", at="01:30", mode="auto")
    seed(
        apps,
        name="operations.check_backup",
        title="Monthly restore test of the back-up",
        every=timedelta(days=30),
        mode="auto",
    )


OPERATIONS = [migrations.RunPython(seed_schedules, migrations.RunPython.noop)]
