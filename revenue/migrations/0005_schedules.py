"""The nightly look at the ledger, and the nightly sweep for larger plans."""

from django.db import migrations

from operations.automations.seeding import seed


def schedule(apps, schema_editor):
    """An offer costs nothing and may bring nothing, so no sure gain is asked of it."""
    seed(
        apps,
        name="revenue.check_ledger",
        title="Check the ledger against the subscriptions",
        at="02:20",
        mode="auto",
    )
    seed(apps, name="revenue.upsell", title="Look for larger plans", at="04:10")
    rows = apps.get_model("operations", "Automation").objects.filter(name="revenue.upsell")
    rows.update(largest_change_percent=None, needs_sure_gain=False, data_age_hours=None)


class Migration(migrations.Migration):

    dependencies = [
        ("revenue", "0004_billing_and_upsell"),
        ("operations", "0005_scheduling"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
