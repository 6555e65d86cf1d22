"""Keys rotate themselves each night; between the passes somebody looks at them. Levels have rows."""

from datetime import timedelta

from django.db import migrations

from operations.automations.seeding import seed, seed_task

LEVELS = ("critical", "high", "medium", "low")


def schedule(apps, schema_editor):
    seed(
        apps, name="security.rotate_keys", title="Rotate keys that are due", at="01:30", mode="auto"
    )
    for name, every in [
        ("security.tend_keys", timedelta(minutes=1)),
        ("security.watch_keys", timedelta(minutes=10)),
        ("security.watch_api_keys", timedelta(minutes=10)),
    ]:
        seed_task(apps, name=name, task=name, every=every)


def add_levels(apps, schema_editor):
    """A row a level, to be filled in where staff want other terms than the settings'."""
    policy = apps.get_model("security", "Policy")
    for level in LEVELS:
        policy.objects.get_or_create(level=level)


class Migration(migrations.Migration):

    dependencies = [
        ("security", "0007_audit_schedule"),
        ("operations", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        migrations.RunPython(schedule, migrations.RunPython.noop),
        migrations.RunPython(add_levels, migrations.RunPython.noop),
    ]
