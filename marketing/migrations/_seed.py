"""The schedule of the nightly budget plan; its first mode is propose."""

from django.db import migrations

from operations.automations.seeding import seed


def seed_schedules(apps, schema_editor):
    seed(apps, name="marketing.optimize_budget", title="Divide the marketing budget", at="03:00")


OPERATIONS = [migrations.RunPython(seed_schedules, migrations.RunPython.noop)]
