"""The daily schedule of payment reminders."""

from django.db import migrations

from operations.automations.seeding import seed

NAME = "revenue.payment_reminders"


def seed_schedule(apps, schema_editor):
    seed(apps, name=NAME, title="Remind of unpaid invoices", at="08:20")
    # A reminder may bring nothing, and is about invoices of any age.
    apps.get_model("operations", "Automation").objects.filter(name=NAME).update(
        largest_change_percent=None, needs_sure_gain=False, data_age_hours=None
    )


class Migration(migrations.Migration):

    dependencies = [
        ("revenue", "0011_contacts_and_reminders"),
        ("operations", "0018_sending_rules"),
    ]

    operations = [migrations.RunPython(seed_schedule, migrations.RunPython.noop)]
