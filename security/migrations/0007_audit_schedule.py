"""The audit anchors itself every hour, and is read back whole every night."""

from datetime import timedelta

from django.db import migrations

from operations.automations.seeding import seed


def schedule(apps, schema_editor):
    hour = timedelta(hours=1)
    seed(apps, name="security.anchor_audit", title="Anchor the audit", every=hour, mode="auto")
    seed(apps, name="security.verify_audit", title="Verify the audit", at="02:30", mode="auto")


class Migration(migrations.Migration):

    dependencies = [
        ("security", "0006_history"),
        ("operations", "0006_history"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
