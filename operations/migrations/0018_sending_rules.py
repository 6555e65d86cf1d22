"""The rule of each purpose of mail to people outside, and the schedule of repeating imports."""

from datetime import time, timedelta

from django.db import migrations

from operations.automations.seeding import seed

RULES = {
    "service": {"quiet_from": time(0), "quiet_until": time(0)},
    "reminder": {"most_a_day": 1, "most_a_week": 2},
    "marketing": {"needs_consent": True, "most_a_day": 1, "most_a_week": 3},
}


def add_rules(apps, schema_editor):
    rows = apps.get_model("operations", "SendingRule").objects
    for purpose, values in RULES.items():
        rows.get_or_create(purpose=purpose, defaults=values)


def seed_schedule(apps, schema_editor):
    seed(
        apps,
        name="operations.repeat_imports",
        title="Look for files of repeating imports",
        every=timedelta(hours=1),
        mode="auto",
    )
    # A file has guards of its own; it may hold old rows, and it is no change of one value.
    apps.get_model("operations", "Automation").objects.filter(
        name="operations.repeat_imports"
    ).update(largest_change_percent=None, data_age_hours=None)


class Migration(migrations.Migration):

    dependencies = [("operations", "0017_recipients_outside_and_repeating_imports")]

    operations = [
        migrations.RunPython(add_rules, migrations.RunPython.noop),
        migrations.RunPython(seed_schedule, migrations.RunPython.noop),
    ]
