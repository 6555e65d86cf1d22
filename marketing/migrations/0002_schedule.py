"""The nightly budget plan, proposed to a person until staff say otherwise."""

from django.db import migrations

from operations.automations.seeding import seed


def schedule(apps, schema_editor):
    seed(apps, name="marketing.optimize_budget", title="Divide the marketing budget", at="03:00")


class Migration(migrations.Migration):

    dependencies = [
        ("marketing", "0001_initial"),
        ("operations", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
