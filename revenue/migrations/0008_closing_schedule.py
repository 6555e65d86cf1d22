"""The nightly look whether a month's invoices are due."""

from django.db import migrations

from operations.automations.seeding import seed


def schedule(apps, schema_editor):
    """What is billed stands in rows as old as their month, so no age of data is asked of it."""
    seed(apps, name="revenue.issue_invoices", title="Issue the month's invoices", at="04:40")
    rows = apps.get_model("operations", "Automation").objects.filter(name="revenue.issue_invoices")
    rows.update(data_age_hours=None)


class Migration(migrations.Migration):

    dependencies = [
        ("revenue", "0007_closings_and_retention"),
        ("operations", "0005_scheduling"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
