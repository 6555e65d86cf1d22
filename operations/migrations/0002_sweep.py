"""The tasks that keep the two ledgers true, in beat's tables from the first start."""

from datetime import timedelta

from django.db import migrations

from operations.automations.seeding import seed_task


def seed(apps, schema_editor):
    for name, every in [
        ("operations.sweep_runs", timedelta(seconds=10)),
        ("operations.measure_decisions", timedelta(hours=1)),
        ("operations.expire_decisions", timedelta(days=1)),
    ]:
        seed_task(apps, name=name, task=name, every=every)


class Migration(migrations.Migration):

    dependencies = [
        ("operations", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
