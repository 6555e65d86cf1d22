"""A rotation may be put forward as a decision, and asked for on the key once it is approved."""

from django.db import migrations, models

# No figure of the business moves, a key's row is never old, and passes have a limit of their own.
WITHOUT_MEANING = {
    "largest_change_percent": 20.0,
    "data_age_hours": 48.0,
    "applied_per_day": 100,
}


def lift(apps, schema_editor):
    """What staff have set already stays."""
    rows = apps.get_model("operations", "Automation").objects.filter(name="security.rotate_keys")
    for limit, usual in WITHOUT_MEANING.items():
        rows.filter(**{limit: usual}).update(**{limit: None})


class Migration(migrations.Migration):

    dependencies = [
        ("security", "0008_key_schedules"),
        ("operations", "0007_recovery"),
    ]

    operations = [
        migrations.AddField(
            model_name="key",
            name="asked_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When its rotation was approved, and is to come.",
                null=True,
            ),
        ),
        migrations.RunPython(lift, migrations.RunPython.noop),
    ]
