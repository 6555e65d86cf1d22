"""Delete the sessions whose keys were stored as browsers hold them; people sign in again."""

from django.db import migrations


def delete_sessions(apps, schema_editor):
    apps.get_model("sessions", "Session").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('security', '0002_bindings_channels_tasks'),
        ('sessions', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(delete_sessions, migrations.RunPython.noop),
    ]
