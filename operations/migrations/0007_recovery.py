"""A back-up each night, and each month the proof that it comes back."""

from datetime import timedelta

from django.db import migrations

from operations.automations.seeding import seed


def schedule(apps, schema_editor):
    month = timedelta(days=30)
    seed(apps, name="operations.back_up", title="Daily back-up", at="01:30", mode="auto")
    seed(
        apps,
        name="operations.check_backup",
        title="Monthly trial of the back-up",
        every=month,
        mode="auto",
    )


class Migration(migrations.Migration):

    dependencies = [
        ("operations", "0006_history"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
